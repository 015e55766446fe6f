// Bytes that end where memory ends: a parser that reads past them stops the test.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <tutelage/core/errors.hpp>

namespace test {

class guarded_bytes {
 public:
  explicit guarded_bytes(std::string_view content)
      : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
        pages_((content.size() + page_ - 1) / page_ + 1),
        size_(content.size()) {
    void* const address =
        ::mmap(nullptr, pages_ * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) throw std::system_error(errno, std::generic_category());
    begin_ = static_cast<unsigned char*>(address);
    content.copy(reinterpret_cast<char*>(end() - size_), size_);
    ::mprotect(end(), page_, PROT_NONE);
  }
  guarded_bytes(const guarded_bytes&) = delete;
  guarded_bytes& operator=(const guarded_bytes&) = delete;
  ~guarded_bytes() { ::munmap(begin_, pages_ * page_); }

  [[nodiscard]] std::span<const unsigned char> bytes() const { return {end() - size_, size_}; }

 private:
  [[nodiscard]] unsigned char* end() const { return begin_ + (pages_ - 1) * page_; }

  std::size_t page_, pages_, size_;
  unsigned char* begin_;
};

/// The format_error of a parser: its byte, field and problem as one text; "" where there is none.
template <class Parse>
std::string refusal(const Parse& parse, std::string_view content) {
  const guarded_bytes guarded(content);
  try {
    parse(guarded.bytes());
    return "";
  } catch (const tutelage::format_error& e) {
    const std::string what = e.what();
    return what.substr(what.find("byte "));
  }
}

/// Is every beginning of `content` refused, and does every change of a bit end well? Returns the
/// first beginning that is read, else content.size(); what else is thrown goes through.
template <class Parse>
std::size_t first_beginning_read(const Parse& parse, const std::string& content) {
  for (std::size_t size = 0; size < content.size(); ++size) {
    if (refusal(parse, std::string_view(content).substr(0, size)).empty()) return size;
  }
  return content.size();
}

/// Changes each bit in turn; returns how many changes are read all the same.
template <class Parse>
std::size_t flips_read(const Parse& parse, std::string content) {
  std::size_t read = 0;
  for (std::size_t bit = 0; bit < 8 * content.size(); ++bit) {
    const auto mask = static_cast<char>(1 << (bit % 8));
    content[bit / 8] = static_cast<char>(content[bit / 8] ^ mask);
    read += refusal(parse, content).empty() ? 1 : 0;
    content[bit / 8] = static_cast<char>(content[bit / 8] ^ mask);
  }
  return read;
}

}  // namespace test
