# yun_proto(target FILES a.proto b/c.proto [ROOT dir]): messages (protoc) and coroutine services and stubs (protoc-gen-yun).
#
#   yun_proto(shop_proto FILES shop/v1/user.proto)          # -> #include "shop/v1/user.pb.h", "shop/v1/user.yun.hpp"
#   target_link_libraries(user PRIVATE shop_proto)
#
# FILES are relative to ROOT (default: the current folder), which is also where imports are looked for. A target that exists already gets
# the generated sources added; else a static library is made. Works in Yun's own tree and after find_package(yun).

find_package(Protobuf REQUIRED GLOBAL)

function(yun_proto target)
  cmake_parse_arguments(ARG "" "ROOT" "FILES" ${ARGN})
  if(NOT ARG_FILES)
    message(FATAL_ERROR "yun_proto(${target}): FILES is missing")
  endif()
  if(NOT ARG_ROOT)
    set(ARG_ROOT ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}.proto)
  file(MAKE_DIRECTORY ${out})
  set(messages)
  set(services)
  set(headers)
  foreach(file ${ARG_FILES})
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    set(generated ${out}/${stem}.pb.cc ${out}/${stem}.pb.h ${out}/${stem}.yun.cpp ${out}/${stem}.yun.hpp)
    add_custom_command(
      OUTPUT ${generated}
      COMMAND protobuf::protoc --proto_path=${ARG_ROOT} --cpp_out=${out} --plugin=protoc-gen-yun=$<TARGET_FILE:yun::protoc-gen-yun>
              --yun_out=${out} ${ARG_ROOT}/${file}
      DEPENDS ${ARG_ROOT}/${file} yun::protoc-gen-yun
      COMMENT "protoc ${file}"
      VERBATIM)
    list(APPEND messages ${out}/${stem}.pb.cc)
    list(APPEND services ${out}/${stem}.yun.cpp)
    list(APPEND headers ${out}/${stem}.pb.h ${out}/${stem}.yun.hpp)
  endforeach()
  # A target with no link dependencies: generating does not wait for the libraries that the generated code will be linked with.
  add_custom_target(${target}_generated DEPENDS ${messages} ${services} ${headers})
  set_source_files_properties(${messages} PROPERTIES COMPILE_OPTIONS "-w")
  if(TARGET ${target})
    target_sources(${target} PRIVATE ${messages} ${services})
    target_include_directories(${target} SYSTEM PRIVATE ${out})
  else()
    add_library(${target} STATIC ${messages} ${services})
    target_link_libraries(${target} PUBLIC yun::rpc protobuf::libprotobuf)
    # SYSTEM: the warnings of the caller are not for generated headers.
    target_include_directories(${target} SYSTEM PUBLIC ${out})
  endif()
  add_dependencies(${target} ${target}_generated)
endfunction()
