#pragma once
// Symbols: which function an address of this process lies in, from the ELF files that are mapped. For profiles; reads files, so not for a loop.

#include <cstdint>
#include <string>
#include <vector>

namespace yun::observe::profile {

/// A piece of an executable file in memory.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::uint64_t offset = 0;  ///< in the file
  std::string file;          ///< "[vdso]" and its kind too
};

/// The executable ones, by address; from /proc/self/maps.
std::vector<Mapping> executable_mappings();

class Symbols {
 public:
  explicit Symbols(std::vector<Mapping> mappings);
  ~Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  const std::vector<Mapping>& mappings() const { return mappings_; }
  /// The index of the address's mapping; the number of mappings if it lies in none.
  std::size_t mapping_of(std::uintptr_t address) const;
  /// Its mangled name; "" if no table has it.
  std::string name_of(std::uintptr_t address);
  /// "_ZN3yun4Loop3runEv" -> "yun::Loop::run()"; what is not mangled stays.
  static std::string demangle(const std::string& name);

 private:
  struct Table;
  std::vector<Mapping> mappings_;
  std::vector<Table> tables_;  ///< as mappings_; read at the first question
};

}  // namespace yun::observe::profile
