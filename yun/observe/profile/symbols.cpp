#include "yun/observe/profile/symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

namespace yun::observe::profile {
namespace {

/// A file's bytes, as long as this lives; empty if it cannot be read.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    struct stat about {};
    if (::fstat(fd, &about) == 0 && about.st_size > 0) {
      void* at = ::mmap(nullptr, static_cast<std::size_t>(about.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
      if (at != MAP_FAILED) bytes_ = {static_cast<const char*>(at), static_cast<std::size_t>(about.st_size)};
    }
    ::close(fd);
  }
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// The T at `offset`; false if the file ends before.
  template <typename T>
  bool read(std::uint64_t offset, T& into) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return false;
    std::memcpy(&into, bytes_.data() + offset, sizeof(T));
    return true;
  }
  std::string_view text(std::uint64_t offset) const {
    if (offset >= bytes_.size()) return {};
    const std::string_view rest = bytes_.substr(offset);
    return rest.substr(0, rest.find('\0'));
  }

 private:
  std::string_view bytes_;
};

}  // namespace

struct Symbols::Table {
  struct Function {
    std::uint64_t address, size;  ///< as the file has it
    std::string name;
  };
  struct Segment {
    std::uint64_t offset, size, address;
  };
  bool is_read = false;
  std::vector<Function> functions;  ///< by address
  std::vector<Segment> segments;

  void read(const std::string& path);
  void read_symbols(const MappedFile& file, const Elf64_Ehdr& head, std::uint32_t kind);
};

void Symbols::Table::read_symbols(const MappedFile& file, const Elf64_Ehdr& head, std::uint32_t kind) {
  for (unsigned i = 0; i < head.e_shnum; ++i) {
    Elf64_Shdr section{};
    Elf64_Shdr names{};
    if (!file.read(head.e_shoff + std::uint64_t{i} * head.e_shentsize, section) || section.sh_type != kind) continue;
    if (!file.read(head.e_shoff + std::uint64_t{section.sh_link} * head.e_shentsize, names)) continue;
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol{};
      if (!file.read(section.sh_offset + at, symbol)) return;
      const bool function = ELF64_ST_TYPE(symbol.st_info) == STT_FUNC || ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC;
      if (function && symbol.st_shndx != SHN_UNDEF) functions.push_back({symbol.st_value, symbol.st_size, std::string(file.text(names.sh_offset + symbol.st_name))});
    }
  }
}

void Symbols::Table::read(const std::string& path) {
  is_read = true;
  const MappedFile file(path);
  Elf64_Ehdr head{};
  if (!file.read(0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64) return;
  for (unsigned i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (file.read(head.e_phoff + std::uint64_t{i} * head.e_phentsize, segment) && segment.p_type == PT_LOAD)
      segments.push_back({segment.p_offset, segment.p_filesz, segment.p_vaddr});
  }
  read_symbols(file, head, SHT_SYMTAB);
  if (functions.empty()) read_symbols(file, head, SHT_DYNSYM);  // stripped
  std::ranges::stable_sort(functions, {}, &Function::address);
}

std::vector<Mapping> executable_mappings() {
  std::vector<Mapping> mappings;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0, offset = 0;
    char rights[5] = {};
    int path = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s %lx %*s %*s %n", &begin, &end, rights, &offset, &path) < 4 || rights[2] != 'x') continue;
    mappings.push_back({begin, end, offset, path > 0 ? line.substr(static_cast<std::size_t>(path)) : std::string()});
  }
  return mappings;
}

Symbols::Symbols(std::vector<Mapping> mappings) : mappings_(std::move(mappings)), tables_(mappings_.size()) {}
Symbols::~Symbols() = default;

std::size_t Symbols::mapping_of(std::uintptr_t address) const {
  const auto after = std::ranges::upper_bound(mappings_, address, {}, &Mapping::begin);
  if (after == mappings_.begin() || address >= std::prev(after)->end) return mappings_.size();
  return static_cast<std::size_t>(std::prev(after) - mappings_.begin());
}

std::string Symbols::name_of(std::uintptr_t address) {
  const std::size_t index = mapping_of(address);
  if (index == mappings_.size()) return {};
  const Mapping& mapping = mappings_[index];
  Table& table = tables_[index];
  // The program's own file may have been replaced under its name; /proc/self/exe is still what runs.
  static const std::string own = [] {
    char path[4096];
    const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    return std::string(path, size > 0 ? static_cast<std::size_t>(size) : 0);
  }();
  if (!table.is_read) table.read(mapping.file == own ? "/proc/self/exe" : mapping.file);
  const std::uint64_t offset = address - mapping.begin + mapping.offset;
  for (const Table::Segment& segment : table.segments) {
    if (offset < segment.offset || offset - segment.offset >= segment.size) continue;
    const std::uint64_t wanted = offset - segment.offset + segment.address;
    auto after = std::ranges::upper_bound(table.functions, wanted, {}, &Table::Function::address);
    if (after == table.functions.begin()) return {};
    const Table::Function& function = *std::prev(after);
    // Hand-written code has no size: it goes to the next.
    return function.size == 0 || wanted < function.address + function.size ? function.name : std::string();
  }
  return {};
}

std::string Symbols::demangle(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string readable = status == 0 && text ? std::string(text) : name;
  std::free(text);
  return readable;
}

}  // namespace yun::observe::profile
