include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tutelage)
install(TARGETS tutelage EXPORT tutelage FILE_SET HEADERS)
foreach(component IN ITEMS images io theory)
  if(TARGET tutelage_${component})
    install(TARGETS tutelage_${component} EXPORT tutelage_${component} FILE_SET HEADERS)
    install(EXPORT tutelage_${component} NAMESPACE tutelage:: DESTINATION ${package_dir})
  endif()
endforeach()
install(EXPORT tutelage NAMESPACE tutelage:: DESTINATION ${package_dir})
configure_package_config_file(cmake/tutelageConfig.cmake.in tutelageConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tutelageConfigVersion.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/tutelageConfig.cmake
              ${PROJECT_BINARY_DIR}/tutelageConfigVersion.cmake cmake/dependencies.cmake
        DESTINATION ${package_dir})
