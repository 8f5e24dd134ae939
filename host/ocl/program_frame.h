/* ocl/program_frame.h — what compilers read before the prelude and behind the kernel file: nothing
 * but on aarch64.
 *
 * Debian builds PoCL there for no processor in particular: functions of its library (fma, vload4,
 * select …) ask for features that kernels don't have, so that LLVM inlines none of them, and each
 * multiply-add is a call that saves all vector registers. Kernels that ask for the same features
 * get them inlined.
 */
#ifndef VGG_OCL_PROGRAM_FRAME_H
#define VGG_OCL_PROGRAM_FRAME_H

/* Between the prelude and the kernel file: lines in messages are the file's. */
#define VGG_PROGRAM_FIRST_LINE "\n#line 1\n"

#ifdef __aarch64__
#define VGG_PROGRAM_POCL "\n#if defined(__aarch64__) && defined(POCL_DEVICE_ADDRESS_BITS)\n"
#define VGG_PROGRAM_BEFORE                                                                         \
    VGG_PROGRAM_POCL "#pragma clang attribute push("                                               \
                     "__attribute__((target(\"neon,outline-atomics,v8a\"))), apply_to = "          \
                     "function)\n#endif\n"
#define VGG_PROGRAM_BEHIND VGG_PROGRAM_POCL "#pragma clang attribute pop\n#endif\n"
#else
#define VGG_PROGRAM_BEFORE ""
#define VGG_PROGRAM_BEHIND ""
#endif

#endif
