# cmake --install: headers, libraries, the protoc plugin, and what find_package(yun) reads.
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY YUN_ROOMS)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/yun)

install(TARGETS ${rooms} EXPORT yun-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS protoc-gen-yun EXPORT yun-targets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY yun DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "*_corpus" EXCLUDE PATTERN "testdata" EXCLUDE)
install(EXPORT yun-targets NAMESPACE yun:: DESTINATION ${package_dir})

configure_package_config_file(cmake/yun-config.cmake.in ${PROJECT_BINARY_DIR}/yun-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/yun-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/yun-config.cmake ${PROJECT_BINARY_DIR}/yun-config-version.cmake yun/rpc/yun_proto.cmake DESTINATION ${package_dir})
