#include "inspect/page.hpp"

namespace examples {

namespace {

constexpr const char* head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Inspection of networks</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2330; max-width: 1080px; margin: 2em auto; padding: 0 1.5em; }
h1 { font-size: 1.7em; margin-bottom: 0.2em; }
h2 { font-size: 1.25em; margin: 2em 0 0.6em; border-bottom: 1px solid #ccd2dc; padding-bottom: 0.2em; }
h3 { font-size: 1.05em; margin: 1.4em 0 0.4em; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 0.8em; margin-top: 0.8em; }
.fact { border: 1px solid #dde2ea; border-radius: 6px; padding: 0.6em 0.9em; break-inside: avoid; }
.fact b { font-size: 1.35em; display: block; }
.fact .name { color: #57606f; font-size: 0.9em; }
.fact p { margin: 0.3em 0 0; }
.figures { display: flex; flex-wrap: wrap; gap: 1.2em; align-items: flex-start; margin-top: 1em; }
figure { margin: 0; max-width: 100%; }
figcaption { font-size: 0.9em; color: #57606f; max-width: 520px; }
svg { max-width: 100%; height: auto; display: block; }
svg text { font: 11.5px system-ui, sans-serif; fill: #333b48; }
.grid { stroke: #e6eaf0; } .axis { stroke: #57606f; }
.frame { fill: none; stroke: #98a1b0; } .bar { fill: #3b4cc0; } .above { fill: #d9822b; }
.strong { fill: #3b4cc0; fill-opacity: 0.75; } .weak { fill: none; stroke: #b40426; stroke-width: 1.5; }
table { border-collapse: collapse; margin: 0.8em 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.15em 0.9em; text-align: right; border-bottom: 1px solid #e6eaf0; }
th { color: #57606f; font-weight: 600; }
</style>
</head>
<body>
)";

}  // namespace

page::page(const std::string& title, const std::string& below) : html_(head) {
  html_ += "<h1>" + escaped(title) + "</h1>\n<p>" + escaped(below) + "</p>\n";
}

}  // namespace examples
