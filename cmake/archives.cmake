# YUN_ARCHIVES: programs take Debian's archives (lib*.a) instead of its shared libraries, and drop what nobody calls (docs/decisions/static-archives.md:
# what it is worth, and what it costs). glibc, OpenSSL and SQLite stay shared. Where an archive is missing its shared library is linked as ever.
# What is installed names its libraries by target: whoever uses it decides this for himself.
option(YUN_ARCHIVES "link Debian's archives instead of its shared libraries, but for glibc, OpenSSL and SQLite" OFF)

if(YUN_ARCHIVES)
  # Found before the suffixes change, and remembered in the cache.
  find_package(OpenSSL REQUIRED)
  pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
  # find_library, and with it FindZLIB, FindProtobuf and pkg_check_modules, takes the first suffix for which there is a file.
  set(YUN_SHARED_FIRST ${CMAKE_FIND_LIBRARY_SUFFIXES})
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
endif()

# yun_archived(program): libstdc++ is an archive in it too. Not for a program that links a shared library in C++ (of tests, or of bench's peers), which
# brings the shared one.
function(yun_archived program)
  if(YUN_ARCHIVES)
    target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()

# yun_prefer_archive(target name): the same for an imported target that a package of CMake's own kind made, which names its file itself.
function(yun_prefer_archive target name)
  if(NOT YUN_ARCHIVES)
    return()
  endif()
  find_library(YUN_ARCHIVE_${name} NAMES lib${name}.a)
  if(YUN_ARCHIVE_${name})
    get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
    foreach(each ${configurations})
      set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_${each} ${YUN_ARCHIVE_${name}})
    endforeach()
  endif()
endfunction()
