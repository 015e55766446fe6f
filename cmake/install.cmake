include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tutelage)
install(TARGETS tutelage EXPORT tutelage FILE_SET HEADERS)
if(TARGET tutelage_images)
  install(TARGETS tutelage_images EXPORT tutelage_images FILE_SET HEADERS)
  install(EXPORT tutelage_images NAMESPACE tutelage:: DESTINATION ${package_dir})
endif()
install(EXPORT tutelage NAMESPACE tutelage:: DESTINATION ${package_dir})
configure_package_config_file(cmake/tutelageConfig.cmake.in tutelageConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tutelageConfigVersion.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/tutelageConfig.cmake
              ${PROJECT_BINARY_DIR}/tutelageConfigVersion.cmake cmake/dependencies.cmake
        DESTINATION ${package_dir})
