// cuBLASLt, loaded when it is first needed instead of linked. cublaslt.cc defines those functions
// of <cublasLt.h> that are called here, and each passes its call on. So a binary with CUDA starts
// on a machine without CUDA's libraries, and one that serves from the CPU does not carry the 150 MB
// that this library keeps resident.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace embedserve::kernels {

// A library that stays open while the process lives, or why there is none.
struct OpenedLibrary {
  void* handle = nullptr;  // of dlopen
  std::string why_not;     // one sentence that ends with what to do; empty if it is open
};

// Takes the first library that opens. An empty name among `folders` is wherever the system's loader
// looks.
OpenedLibrary OpenCublasLt(std::span<const std::string> folders);

// Where WhyNoCublasLt looks: the system's loader, the program's own folder, CUDA's usual folders.
std::vector<std::string> CublasLtFolders();

// Loads the library on the first call. Empty: it is there, and the functions may be called; before
// that, calling one ends the process. Any thread.
const std::string& WhyNoCublasLt();

}  // namespace embedserve::kernels
