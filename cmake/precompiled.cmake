# The standard headers that most files include, parsed once a build directory instead of once a file (docs/decisions/build-time.md).
# Only these: what is Yun's own changes too often. What is installed, and whoever uses it, knows nothing of them: tools/headers compiles
# every header without, and clang's build (preset fuzz) every source.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  return()
endif()

set(standard <algorithm> <array> <atomic> <charconv> <chrono> <cmath> <coroutine> <cstdint> <cstring> <deque> <expected> <functional>
  <limits> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)

# Warnings that libstdc++ silences in its own headers by #pragma GCC diagnostic: a precompiled header does not keep that.
set(silent -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)

# yun_precompiled(target headers..): a library of nothing but the precompiled headers, for others to reuse.
function(yun_precompiled target)
  file(CONFIGURE OUTPUT ${target}.cpp CONTENT "")
  add_library(${target} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp)
  target_compile_options(${target} PRIVATE ${silent})
  target_precompile_headers(${target} PRIVATE ${ARGN})
endfunction()

# yun_reuse_precompiled(dir): every library and program below it, those with GoogleTest with its header too.
function(yun_reuse_precompiled dir)
  get_property(targets DIRECTORY ${dir} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(NOT type MATCHES "^(STATIC_LIBRARY|EXECUTABLE)$")
      continue()
    endif()
    target_compile_options(${target} PRIVATE ${silent})
    get_target_property(libraries ${target} LINK_LIBRARIES)
    if("GTest::gtest" IN_LIST libraries)
      target_precompile_headers(${target} REUSE_FROM yun_std_gtest)
    else()
      target_precompile_headers(${target} REUSE_FROM yun_std)
    endif()
  endforeach()
  get_property(below DIRECTORY ${dir} PROPERTY SUBDIRECTORIES)
  foreach(one ${below})
    yun_reuse_precompiled(${one})
  endforeach()
endfunction()

yun_precompiled(yun_std ${standard})
if(YUN_TESTS)
  yun_precompiled(yun_std_gtest ${standard} <gtest/gtest.h>)
  target_link_libraries(yun_std_gtest PRIVATE GTest::gtest)
endif()

yun_reuse_precompiled(${PROJECT_SOURCE_DIR}/yun)
yun_reuse_precompiled(${PROJECT_SOURCE_DIR}/apps)
if(YUN_EXAMPLES)
  yun_reuse_precompiled(${PROJECT_SOURCE_DIR}/examples)
endif()
