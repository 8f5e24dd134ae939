/* prelude.h — the macros that kernel files share. ocl/program.c hands it to the device's compiler
 * in front of each file, so that no file includes it. In the repository's root, with clang 15 or
 * later, this compiles a file by hand; -D options choose its form, as the op that launches it does:
 *
 *     clang -cl-std=CL1.2 -Xclang -finclude-default-header -include cl/prelude.h \
 *         -fsyntax-only -Wall cl/FILE.cl
 *
 * conv_subgroup.cl and sub_group.cl need an OpenCL compiler that knows sub-groups.
 *
 * Only macros stand here, so that a program holds nothing that it doesn't use.
 */
#define PASTE(a, b) a##b
#define PASTE2(a, b) PASTE(a, b)

/* ---- vectors of VW values: 1, 2, 4, 8 or 16; each file has its own default of VW ---- */

#define VECTOR_1(type) type
#define VECTOR_2(type) type##2
#define VECTOR_4(type) type##4
#define VECTOR_8(type) type##8
#define VECTOR_16(type) type##16
#define VECTOR(type) PASTE2(VECTOR_, VW)(type)
#define vec VECTOR(float)
#define ivec VECTOR(int)

#define VLOAD_1(p) (*(p))
#define VLOAD_2(p) vload2(0, p)
#define VLOAD_4(p) vload4(0, p)
#define VLOAD_8(p) vload8(0, p)
#define VLOAD_16(p) vload16(0, p)
#define VLOAD(p) PASTE2(VLOAD_, VW)(p)

#define VSTORE_1(v, p) (*(p) = (v))
#define VSTORE_2(v, p) vstore2(v, 0, p)
#define VSTORE_4(v, p) vstore4(v, 0, p)
#define VSTORE_8(v, p) vstore8(v, 0, p)
#define VSTORE_16(v, p) vstore16(v, 0, p)
#define VSTORE(v, p) PASTE2(VSTORE_, VW)(v, p)

/* ---- weights, in the type that STORAGE numbers (clvgg_storage), read as float32 ---- */

#ifndef STORAGE
#define STORAGE 0 /* 0 float32, 1 float16, 2 bfloat16 */
#endif
#define STORED_0 float
#define STORED_1 half
#define STORED_2 ushort
#define weight_t PASTE2(STORED_, STORAGE)

/* WEIGHT(i, p): element i of p. */
#define WEIGHT_0(i, p) (p)[i]
#define WEIGHT_1(i, p) vload_half(i, p)
#define WEIGHT_2(i, p) as_float((uint)(p)[i] << 16)
#define WEIGHT(i, p) PASTE2(WEIGHT_, STORAGE)(i, p)

/* WEIGHTS(p): the VW elements at p. */
#define WEIGHTS_0(p) VLOAD(p)
#define WEIGHTS_1(p) VECTOR(vload_half)(0, p)
#define WEIGHTS_2(p) VECTOR(as_float)(VECTOR(convert_uint)(VECTOR(vload)(0, p)) << 16)
#define WEIGHTS(p) PASTE2(WEIGHTS_, STORAGE)(p)

/* PACK(v, i, p) sets element i of p to v, rounded to the nearest, ties to even; NaN stays NaN. A
 * file that packs writes PACKS once, outside of functions: bfloat16 needs one of its own. */
#define PACK_0(v, i, p) (p)[i] = (v)
#define PACK_1(v, i, p) vstore_half_rte(v, i, p)
#define PACK_2(v, i, p) (p)[i] = bfloat16(v)
#define PACK(v, i, p) PASTE2(PACK_, STORAGE)(v, i, p)
#define PACKS_0
#define PACKS_1
#define PACKS_2                                                                                    \
    inline ushort bfloat16(float v)                                                                \
    {                                                                                              \
        const uint bits = as_uint(v);                                                              \
        return (ushort)(isnan(v) ? bits >> 16 | 0x40 : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16);  \
    }
#define PACKS PASTE2(PACKS_, STORAGE)

/* ---- CPUs ---- */

/* A kernel whose work-groups are one work-item. The hint keeps Intel's compiler from vectorising
 * across work-items what is vectors already, which costs it seconds. */
#define CPU_KERNEL                                                                                 \
    __attribute__((reqd_work_group_size(1, 1, 1))) __attribute__((vec_type_hint(vec)))

/* Reads and writes of vectors at any float's address: PoCL makes one store of these, and three of a
 * vstoren. A file that uses them writes DECLARE_VEC_ANYWHERE first. */
#define DECLARE_VEC_ANYWHERE typedef vec vec_anywhere __attribute__((aligned(4)))
#define STORE_GLOBAL(v, p) (*(__global vec_anywhere *)(p) = (v))
#define STORE_PRIVATE(v, p) (*(vec_anywhere *)(p) = (v))
#define LOAD_PRIVATE(p) (*(const vec_anywhere *)(p))

/* LOOK_AHEAD prefetches the cache line at `p`, which will be read (write 0) or changed (1), into
 * level 4 - locality of the cache. OpenCL's own prefetch() does nothing on CPUs. Compilers that
 * make machine code know the builtin; interpreters don't. */
#if defined(__x86_64__) || defined(__aarch64__) || defined(__INTEL_LLVM_COMPILER)
#define LOOKS_AHEAD 1
#define LOOK_AHEAD(p, write, locality)                                                             \
    __builtin_prefetch((const void *)(size_t)(p), write, locality)
#else
#define LOOKS_AHEAD 0
#define LOOK_AHEAD(p, write, locality)
#endif

/* Intel's compiler loads more values ahead than there are registers for, and then moves half of the
 * sums about at each step. This is a barrier for it, behind which it loads the next value. */
#if defined(__INTEL_LLVM_COMPILER)
#define ONE_AT_A_TIME() __asm__ volatile("" ::: "memory")
#else
#define ONE_AT_A_TIME()
#endif
