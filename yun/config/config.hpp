#pragma once
// config: settings into a plain struct, from flags, environment, a YAML file and defaults, in this order. Every fault comes at once, with
// file, line, column and the nearest name. YAML alone, for richer files, and sources that tell when they change.
//
//     struct Settings { std::string listen = ":8080"; Duration idle_timeout = 60s; };
//     auto settings = config::load<Settings>({.program = "hello", .argc = argc, .argv = argv});
//     if (!settings) return config::report(settings.error());     // --help: 0, wrong usage: 2
//
// Names: load, Loader, Spec, Doc, report (load.hpp); parse_yaml, load_yaml, Tree, Reader, Errors, read_value, unknown (yaml.hpp);
// Source, FileSource (source.hpp); FileWatch (file_watch.hpp).

#include "yun/config/file_watch.hpp"
#include "yun/config/load.hpp"
#include "yun/config/source.hpp"
#include "yun/config/yaml.hpp"
