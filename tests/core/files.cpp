#include <tutelage/core/files.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iterator>
#include <limits>
#include <thread>
#include <vector>

#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

// What the operating system does to this thread's calls: as a rule nothing out of the ordinary.
struct fault_plan {
  bool recording = false;
  std::array<char, 64> calls{};  // w, p (pwrite), m (fchmod), s (fsync), c, r, in order
  std::size_t count = 0;
  char failing = 0;      // which call fails,
  int successes = 0;     // after so many that succeed,
  int failures = 1;      // so many times,
  int error_number = 0;  // with what
  std::size_t longest_write = std::numeric_limits<std::size_t>::max();  // bytes
};
thread_local constinit fault_plan faults;

// Notes a call; should it fail?
bool fails(char call) {
  if (!faults.recording) return false;
  if (faults.count < faults.calls.size()) faults.calls[faults.count++] = call;
  if (call != faults.failing || faults.successes-- > 0 || faults.failures-- <= 0) return false;
  errno = faults.error_number;
  return true;
}

}  // namespace

// In place of the C library's, for the whole program.
extern "C" {
ssize_t write(int file, const void* data, std::size_t size) {
  if (fails('w')) return -1;
  return ::syscall(SYS_write, file, data, std::min(size, faults.longest_write));
}
ssize_t pwrite(int file, const void* data, std::size_t size, off_t at) {
  if (fails('p')) return -1;
  return ::syscall(SYS_pwrite64, file, data, std::min(size, faults.longest_write), at);
}
int fchmod(int file, mode_t mode) noexcept {
  return fails('m') ? -1 : static_cast<int>(::syscall(SYS_fchmod, file, mode));
}
int fsync(int file) {  //
  return fails('s') ? -1 : static_cast<int>(::syscall(SYS_fsync, file));
}
int close(int file) {
  const bool failing = fails('c');  // the descriptor is gone all the same
  const auto result = static_cast<int>(::syscall(SYS_close, file));
  if (failing) errno = faults.error_number;
  return failing ? -1 : result;
}
int rename(const char* from, const char* to) noexcept {
  return fails('r') ? -1 : ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}
}

namespace {

using namespace test;
using namespace tutelage;
namespace fs = std::filesystem;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The names in a folder, in order.
std::vector<std::string> names(const std::string& folder) {
  std::vector<std::string> result;
  for (const auto& entry : fs::directory_iterator(folder)) {
    result.push_back(entry.path().filename().string());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::size_t open_files() { return names("/proc/self/fd").size(); }

void check_error(const io_error& e, const std::string& operation, const std::string& path,
                 int error_number) {
  CHECK(e.operation() == operation);
  CHECK(e.path() == path);
  CHECK(e.code() == std::error_code(error_number, std::generic_category()));
  CHECK(e.what() ==
        "cannot " + operation + " " + path + ": " + std::generic_category().message(error_number));
}

// Until its end, this program is a user with no rights.
class without_rights {
 public:
  without_rights() {
    if (was_root_) REQUIRE(::seteuid(65534) == 0);
  }
  without_rights(const without_rights&) = delete;
  without_rights& operator=(const without_rights&) = delete;
  ~without_rights() {
    if (was_root_) CHECK(::seteuid(0) == 0);
  }

 private:
  bool was_root_ = ::geteuid() == 0;
};

// What /dev/null and /dev/full are, in a folder of the test's own: a fault that replaces devices
// must not cost the machine its.
struct own_devices {
  explicit own_devices(const temporary_folder& folder)
      : null(folder / "null"), full(folder / "full") {
    constexpr mode_t mode = S_IFCHR | 0666;
    made = ::mknod(null.c_str(), mode, ::makedev(1, 3)) == 0 &&
           ::mknod(full.c_str(), mode, ::makedev(1, 7)) == 0 && std::ofstream(null).is_open();
    if (!made) MESSAGE("not tested: this user cannot make devices");
  }
  explicit operator bool() const { return made; }

  std::string null, full;
  bool made = false;
};

}  // namespace

TEST_CASE("write_file: what was written is read, byte for byte") {
  const temporary_folder folder;
  std::string every_byte(256 * 5000, '\0');
  for (std::size_t i = 0; i < every_byte.size(); ++i) every_byte[i] = static_cast<char>(i);
  for (const auto& content : {std::string("a"), std::string(), every_byte, std::string(2, '\0')}) {
    write_file(folder / "file", content);
    CHECK(read(folder / "file") == content);
    CHECK(names(folder / "") == std::vector<std::string>{"file"});
  }
}

TEST_CASE("write_file: others may read, whatever the mask") {
  const temporary_folder folder;
  const mode_t mask = ::umask(077);
  write_file(folder / "file", "a");
  ::umask(mask);
  CHECK(fs::status(folder / "file").permissions() == fs::perms(0644));
}

TEST_CASE("write_file: a file that was there keeps its mode") {
  const temporary_folder folder;
  const auto path = folder.write("file", "old");
  fs::permissions(path, fs::perms(0600));
  write_file(path, "new");
  CHECK(fs::status(path).permissions() == fs::perms(0600));
}

TEST_CASE("write_file: the old file is replaced, not changed") {
  const temporary_folder folder;
  const auto path = folder.write("file", "old");
  std::ifstream reading_old(path);
  fs::create_hard_link(path, folder / "other name");
  write_file(path, "new content");
  CHECK(std::string(std::istreambuf_iterator<char>(reading_old), {}) == "old");
  CHECK(read(folder / "other name") == "old");
  CHECK(read(path) == "new content");
}

TEST_CASE("write_file: a reader sees all of one content") {
  const temporary_folder folder;
  const std::string a(100'000, 'a'), b(70'000, 'b');
  write_file(folder / "file", a);
  std::jthread writer([&](const std::stop_token& stop) {
    for (bool odd = true; !stop.stop_requested(); odd = !odd) {
      write_file(folder / "file", odd ? b : a);
    }
  });
  std::size_t torn = 0;
  for (int i = 0; i < 300; ++i) {
    const auto seen = read(folder / "file");
    torn += seen != a && seen != b;
  }
  CHECK(torn == 0);
}

TEST_CASE("write_file: folders that do not exist or are none") {
  const temporary_folder folder;
  const auto regular = folder.write("regular", "content");
  const auto create = "create a temporary file beside";
  const auto thrown = [](const std::string& path) {
    return thrown_by<io_error>([&] { write_file(path, "x"); });
  };
  check_error(thrown(folder / "missing/file"), create, folder / "missing/file", ENOENT);
  check_error(thrown(regular + "/file"), create, regular + "/file", ENOTDIR);
}

TEST_CASE("write_file: the target is a folder") {
  const temporary_folder folder;
  fs::create_directory(folder / "folder");
  const auto before = open_files();
  check_error(thrown_by<io_error>([&] { write_file(folder / "folder", "x"); }), "open",
              folder / "folder", EISDIR);
  CHECK(names(folder / "") == std::vector<std::string>{"folder"});
  CHECK(open_files() == before);
}

TEST_CASE("write_file: a folder that may not be written") {
  const temporary_folder folder;
  const auto path = folder.write("file", "old");
  fs::permissions(folder / "", fs::perms(0555));
  {
    const without_rights guard;
    check_error(thrown_by<io_error>([&] { write_file(path, "new"); }),
                "create a temporary file beside", path, EACCES);
  }
  fs::permissions(folder / "", fs::perms(0755));
  CHECK(read(path) == "old");
  CHECK(names(folder / "") == std::vector<std::string>{"file"});
}

TEST_CASE("write_file: the disk is full") {
  const temporary_folder folder;
  const auto disk = folder / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    MESSAGE("not tested: this user cannot mount a small disk");
    return;
  }
  const auto path = disk + "/file";
  write_file(path, "old");
  const auto before = open_files();
  check_error(thrown_by<io_error>([&] { write_file(path, std::string(1'000'000, 'x')); }), "write",
              path, ENOSPC);
  CHECK(open_files() == before);
  CHECK(read(path) == "old");
  CHECK(names(disk) == std::vector<std::string>{"file"});
  write_file(path, "there is room again");
  CHECK(read(path) == "there is room again");
  CHECK(::umount(disk.c_str()) == 0);
}

TEST_CASE("write_file: a file larger than the limit") {
  const temporary_folder folder;
  const auto path = folder.write("file", "old");
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string message;
  try {
    write_file(path, std::string(10'000, 'x'));
  } catch (const io_error& e) {
    message = e.what();
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(message == "cannot write " + path + ": File too large");
  CHECK(read(path) == "old");
  CHECK(names(folder / "") == std::vector<std::string>{"file"});
}

TEST_CASE("write_file: on the disk before it has its name") {
  const temporary_folder folder;
  faults = {};
  faults.recording = true;
  write_file(folder / "file", "content");
  const std::string calls(faults.calls.data(), faults.count);
  faults = {};
  CHECK(calls == "wmscrsc");  // the last two: the folder
}

TEST_CASE("write_file: writes that are short or interrupted go on") {
  const temporary_folder folder;
  faults = {};
  faults.recording = true;
  faults.longest_write = 3;
  faults.failing = 'w';
  faults.successes = 1;
  faults.failures = 2;
  faults.error_number = EINTR;
  write_file(folder / "file", "0123456789");
  const std::string calls(faults.calls.data(), faults.count);
  faults = {};
  CHECK(calls == "wwwwwwmscrsc");
  CHECK(read(folder / "file") == "0123456789");
}

TEST_CASE("write_file: whatever fails, the old file stays and nothing else does") {
  struct fault {
    char call;
    int successes;
    int error_number;
    const char* operation;
  };
  for (const auto& planned :
       {fault{'w', 0, EIO, "write"}, fault{'w', 2, ENOSPC, "write"},
        fault{'m', 0, EPERM, "set the mode of"}, fault{'s', 0, EIO, "write"},
        fault{'c', 0, EDQUOT, "write"}, fault{'r', 0, EACCES, "rename a temporary file to"}}) {
    CAPTURE(planned.call);
    const temporary_folder folder;
    const auto path = folder.write("file", "old");
    const auto before = open_files();
    faults = {};
    faults.recording = true;
    faults.failing = planned.call;
    faults.successes = planned.successes;
    faults.error_number = planned.error_number;
    faults.longest_write = 3;
    const auto e = thrown_by<io_error>([&] { write_file(path, "0123456789"); });
    faults = {};
    check_error(e, planned.operation, path, planned.error_number);
    CHECK(open_files() == before);
    CHECK(read(path) == "old");
    CHECK(names(folder / "") == std::vector<std::string>{"file"});
    write_file(path, "new");
    CHECK(read(path) == "new");
  }
}

TEST_CASE("write_file: whichever call fails, the file is the old or the new one, whole") {
  const std::string content = "0123456789";
  const auto plan = [](char call, int successes, int error_number) {
    faults = {};
    faults.recording = true;
    faults.failing = call;
    faults.successes = successes;
    faults.error_number = error_number;
    faults.longest_write = 3;
  };
  const std::string calls = "wwwwmscrsc";  // of a write in four pieces; the last two: the folder
  for (std::size_t k = 0; k < calls.size(); ++k) {
    const auto before = static_cast<int>(
        std::count(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(k), calls[k]));
    for (const int error_number : {EIO, ENOSPC, EDQUOT, EINTR}) {
      CAPTURE(k);
      CAPTURE(error_number);
      const temporary_folder folder;
      const auto path = folder.write("file", "old");
      const auto open_before = open_files();
      // What may be interrupted goes on.
      const bool goes_on = error_number == EINTR && calls[k] != 'm' && calls[k] != 'r';
      int thrown = 0;
      plan(calls[k], before, error_number);
      try {
        write_file(path, content);
      } catch (const io_error& e) {
        thrown = e.code().value();
      }
      faults = {};
      CHECK(thrown == (goes_on ? 0 : error_number));
      CHECK(read(path) == (goes_on || k >= 8 ? content : "old"));
      CHECK(names(folder / "") == std::vector<std::string>{"file"});
      CHECK(open_files() == open_before);
    }
  }
}

TEST_CASE("write_pieces: whichever call fails, the file is the old or the new one, whole") {
  const auto produce = [](auto& out) {
    out.write("0123");
    out.write("");
    out.write("4567");
    out.overwrite(1, "abcde");
  };
  const std::string calls = "wwwwppmscrsc";  // in pieces of 3
  for (std::size_t k = 0; k <= calls.size(); ++k) {
    for (const int error_number : {EIO, EINTR}) {
      CAPTURE(k);
      CAPTURE(error_number);
      const temporary_folder folder;
      const auto path = folder.write("file", "old");
      faults = {};
      faults.recording = true;
      faults.longest_write = 3;
      if (k < calls.size()) {
        faults.failing = calls[k];
        faults.successes = static_cast<int>(
            std::count(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(k), calls[k]));
        faults.error_number = error_number;
      }
      bool thrown = false;
      try {
        write_pieces(path, produce);
      } catch (const io_error&) {
        thrown = true;
      }
      const std::string made(faults.calls.data(), faults.count);
      faults = {};
      if (k == calls.size()) CHECK(made == calls);
      const bool goes_on =
          k == calls.size() || (error_number == EINTR && calls[k] != 'm' && calls[k] != 'r');
      CHECK(thrown == !goes_on);
      CHECK(read(path) == (goes_on || k >= 10 ? "0abcde67" : "old"));
      CHECK(names(folder / "") == std::vector<std::string>{"file"});
    }
  }
}

TEST_CASE("write_pieces: what throws meanwhile leaves the old file") {
  const temporary_folder folder;
  const auto path = folder.write("file", "old");
  const auto before = open_files();
  CHECK(message_of<argument_error>([&] {
          write_pieces(path, [](auto& out) {
            out.write("new");
            throw argument_error("no");
          });
        }) == "no");
  CHECK(read(path) == "old");
  CHECK(open_files() == before);
  CHECK(names(folder / "") == std::vector<std::string>{"file"});
}

TEST_CASE("write_file: the folder cannot be forced to the disk") {
  const temporary_folder folder;
  const auto path = folder.write("file", "old");
  const auto before = open_files();
  faults = {};
  faults.recording = true;
  faults.failing = 's';
  faults.successes = 1;
  faults.error_number = EIO;
  const auto e = thrown_by<io_error>([&] { write_file(path, "new"); });
  faults = {};
  check_error(e, "write", fs::path(path).parent_path().string(), EIO);
  CHECK(read(path) == "new");
  CHECK(open_files() == before);
  CHECK(names(folder / "") == std::vector<std::string>{"file"});
}

TEST_CASE("write_file: a folder that may be written but not read") {
  const temporary_folder folder;
  fs::permissions(folder / "", fs::perms(0333));
  {
    const without_rights guard;
    write_file(folder / "file", "content");
  }
  fs::permissions(folder / "", fs::perms(0755));
  CHECK(read(folder / "file") == "content");
}

TEST_CASE("write_file: without a folder, in the current one") {
  const temporary_folder folder;
  const auto before = fs::current_path();
  fs::current_path(folder / "");
  write_file("file", "content");
  fs::current_path(before);
  CHECK(read(folder / "file") == "content");
}

TEST_CASE("write_file: symlinks are followed and stay") {
  const temporary_folder folder;
  fs::create_directory(folder / "else");
  const auto path = folder.write("else/file", "old");
  fs::create_hard_link(path, folder / "other name");
  fs::create_symlink("else/file", folder / "relative");
  fs::create_symlink(path, folder / "absolute");
  fs::create_symlink("relative", folder / "link to a link");
  fs::create_symlink("else/new file", folder / "dangling");
  for (const auto* name : {"relative", "absolute", "link to a link", "dangling"}) {
    CAPTURE(name);
    write_file(folder / name, name);
    CHECK(fs::is_symlink(folder / name));
    CHECK(read(folder / name) == name);
  }
  CHECK(read(path) == "link to a link");
  CHECK(read(folder / "other name") == "old");  // replaced whole, not written into
  CHECK(read(folder / "else/new file") == "dangling");
  CHECK(names(folder / "else") == std::vector<std::string>{"file", "new file"});

  // A link in a folder that is itself a link leads on from the real folder.
  fs::create_symlink("../relative", folder / "else/up");
  fs::create_directory(folder / "far");
  fs::create_symlink(folder / "else", folder / "far/folder");
  write_file(folder / "far/folder/up", "up");
  CHECK(read(path) == "up");
}

TEST_CASE("write_file: links that lead in a circle or to no folder") {
  const temporary_folder folder;
  fs::create_symlink("b", folder / "a");
  fs::create_symlink("a", folder / "b");
  fs::create_symlink("missing/file", folder / "dangling");
  const auto thrown = [&](const std::string& name) {
    return thrown_by<io_error>([&] { write_file(folder / name, "x"); });
  };
  check_error(thrown("a"), "follow the link", folder / "a", ELOOP);
  check_error(thrown("dangling"), "create a temporary file beside", folder / "missing/file",
              ENOENT);
  CHECK(names(folder / "") == std::vector<std::string>{"a", "b", "dangling"});
}

TEST_CASE("write_file: a FIFO is written to and stays") {
  const temporary_folder folder;
  const auto path = folder / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  fs::create_symlink("fifo", folder / "link");
  const std::string content(200'000, 'x');  // more than a FIFO holds
  // Never waits for a writer: one that does not come fails this test and does not stop it.
  const int end = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(end >= 0);
  for (const auto& name : {path, folder / "link"}) {
    std::string seen;
    std::jthread reader([&](const std::stop_token& stop) {
      for (bool last = false; !last;) {
        last = stop.stop_requested();
        std::array<char, 4096> some{};
        ssize_t count = 0;
        while ((count = ::read(end, some.data(), some.size())) > 0) {
          seen.append(some.data(), static_cast<std::size_t>(count));
        }
        std::this_thread::yield();
      }
    });
    write_file(name, content);
    reader.request_stop();
    reader.join();
    CHECK(seen == content);
  }
  ::close(end);
  CHECK(fs::is_fifo(path));
  CHECK(names(folder / "") == std::vector<std::string>{"fifo", "link"});
}

TEST_CASE("write_pieces: what a FIFO gets was overwritten before") {
  const temporary_folder folder;
  const auto path = folder / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int end = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(end >= 0);
  write_pieces(path, [](auto& out) {
    out.write("0123");
    out.overwrite(1, "ab");
  });
  std::array<char, 16> seen{};
  CHECK(::read(end, seen.data(), seen.size()) == 4);
  CHECK(std::string(seen.data()) == "0ab3");
  ::close(end);
}

TEST_CASE("write_file: a device is written to and stays") {
  const temporary_folder folder;
  const own_devices devices(folder);
  if (!devices) return;
  write_file(devices.null, "content");
  CHECK(fs::is_character_file(devices.null));
  const auto before = open_files();
  check_error(thrown_by<io_error>([&] { write_file(devices.full, "content"); }), "write",
              devices.full, ENOSPC);
  CHECK(fs::is_character_file(devices.full));
  CHECK(open_files() == before);
  fs::create_symlink("full", folder / "link");
  check_error(thrown_by<io_error>([&] { write_file(folder / "link", "content"); }), "write",
              folder / "link", ENOSPC);
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(names(folder / "") == std::vector<std::string>{"full", "link", "null"});
}

TEST_CASE("write_file: what a device refuses at last is said") {
  const temporary_folder folder;
  const own_devices devices(folder);
  if (!devices) return;
  for (const char call : {'s', 'c'}) {
    faults = {};
    faults.recording = true;
    faults.failing = call;
    faults.error_number = EIO;
    const auto e = thrown_by<io_error>([&] { write_file(devices.null, "content"); });
    faults = {};
    check_error(e, "write", devices.null, EIO);
  }
}
