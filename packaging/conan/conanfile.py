"""A recipe for Conan 2, of the checkout that it stands in. The options are the library's components."""
import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load
from conan.tools.gnu import PkgConfigDeps

# What a component needs: Conan's packages, and which parts of them.
COMPONENTS = {
    "sqlite": {"sqlite3/[>=3.37 <4]": "sqlite3::sqlite3", "rapidjson/[>=1.1 <2]": "rapidjson::rapidjson",
               "xxhash/[>=0.8 <1]": "xxhash::xxhash"},
    "postgres": {"libpqxx/[>=7.7 <8]": "libpqxx::libpqxx", "libpq/[>=15]": "libpq::libpq",
                 "rapidjson/[>=1.1 <2]": "rapidjson::rapidjson", "xxhash/[>=0.8 <1]": "xxhash::xxhash"},
    "markdown": {"md4c/[>=0.4.8 <1]": "md4c::md4c", "gumbo-parser/[>=0.10.1 <1]": "gumbo-parser::gumbo-parser",
                 "yaml-cpp/[>=0.7 <1]": "yaml-cpp::yaml-cpp", "rapidjson/[>=1.1 <2]": "rapidjson::rapidjson"},
    "xxhash": {"xxhash/[>=0.8 <1]": "xxhash::xxhash"},
    "openssl": {"openssl/[>=3 <4]": "openssl::crypto"},
    "prometheus": {"prometheus-cpp/[>=1 <2]": "prometheus-cpp::prometheus-cpp-core"},
    "laws": {"catch2/[>=3 <4]": "catch2::catch2"},
}


class RenderCacheRecipe(ConanFile):
    name = "render_cache"
    description = "Render once, verify on every read, serve from the cache"
    license = "MIT"
    topics = ("cache", "markdown", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {component: [True, False] for component in COMPONENTS}
    default_options = {component: component in ("sqlite", "openssl") for component in COMPONENTS}
    no_copy_source = True

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "..", "..", "include", "render_cache", "version.hpp"))
        numbers = [line.split()[-1] for line in text.splitlines()
                   if line.startswith("#define RENDER_CACHE_VERSION_")]
        self.version = ".".join(numbers)

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "cmake/*", "include/*", "migrations/*", "docs/*", "*.md", "LICENSE"):
            copy(self, pattern, root, self.export_sources_folder)

    def chosen(self):
        return [component for component in COMPONENTS if self.options.get_safe(component)]

    def requirements(self):
        self.requires("boost/[>=1.81 <2]", options={"header_only": True})
        for component in self.chosen():
            for reference in COMPONENTS[component]:
                self.requires(reference)

    def package_id(self):
        self.info.settings.clear()

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["RENDER_CACHE_COMPONENTS"] = ";".join(self.chosen())
        toolchain.cache_variables["RENDER_CACHE_INSTALL"] = True
        for what in ("TESTS", "EXAMPLES", "BENCHMARKS"):
            toolchain.cache_variables["RENDER_CACHE_BUILD_" + what] = False
        toolchain.generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "render_cache")
        # The function render_cache_embed_migrations.
        self.cpp_info.set_property("cmake_build_modules",
                                   [os.path.join("share", "cmake", "render_cache", "render_cache_embed_migrations.cmake")])
        self.describe("core", "render_cache::render_cache", "render_cache", ["boost::headers"])
        for component in self.chosen():
            self.describe(component, "render_cache::" + component, "render_cache-" + component,
                          ["core", *COMPONENTS[component].values()])
        if self.options.markdown:  # md4c's and gumbo's headers do not tell their versions, on which the output depends
            self.cpp_info.components["markdown"].defines = [
                f"RENDER_CACHE_MD4C_VERSION={self.dependencies['md4c'].ref.version}",
                f"RENDER_CACHE_GUMBO_VERSION={self.dependencies['gumbo-parser'].ref.version}"]

    def describe(self, component, target, pkg_config, requires):
        info = self.cpp_info.components[component]
        info.set_property("cmake_target_name", target)
        info.set_property("pkg_config_name", pkg_config)
        info.bindirs = []
        info.libdirs = []
        info.requires = requires
        info.system_libs = ["pthread"]
