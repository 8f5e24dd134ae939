/* weights/hdf5_functions.h — what is used of libhdf5, which is loaded when the first HDF5 file is
 * opened: with the libraries that it needs in turn (curl's, Kerberos') it would more than double the
 * time in which the program starts.
 *
 * Another function is a line in the list and one behind it.
 */
#ifndef VGG_WEIGHTS_HDF5_FUNCTIONS_H
#define VGG_WEIGHTS_HDF5_FUNCTIONS_H

#include <hdf5.h>

#include "base/status.h"

/* clang-format off */
#define VGG_HDF5_SYMBOLS(X) \
    X(H5Aclose) \
    X(H5Aexists_by_name) \
    X(H5Aget_space) \
    X(H5Aget_type) \
    X(H5Aopen_by_name) \
    X(H5Aread) \
    X(H5Dget_create_plist) \
    X(H5Dget_offset) \
    X(H5Dget_space) \
    X(H5Dget_storage_size) \
    X(H5Dget_type) \
    X(H5Dread) \
    X(H5Dvlen_reclaim) \
    X(H5Eget_auto2) \
    X(H5Eset_auto2) \
    X(H5FDregister) \
    X(H5Fclose) \
    X(H5Fopen) \
    X(H5Iget_type) \
    X(H5Iinc_ref) \
    X(H5Lexists) \
    X(H5Literate) \
    X(H5Oclose) \
    X(H5Oget_info) \
    X(H5Oopen) \
    X(H5Pclose) \
    X(H5Pcreate) \
    X(H5Pget_chunk) \
    X(H5Pget_driver_info) \
    X(H5Pget_external_count) \
    X(H5Pget_filter2) \
    X(H5Pget_layout) \
    X(H5Pget_nfilters) \
    X(H5Pset_driver) \
    X(H5Pset_fclose_degree) \
    X(H5Sclose) \
    X(H5Screate_simple) \
    X(H5Sget_simple_extent_dims) \
    X(H5Sget_simple_extent_ndims) \
    X(H5Sget_simple_extent_npoints) \
    X(H5Sselect_hyperslab) \
    X(H5Tclose) \
    X(H5Tcopy) \
    X(H5Tequal) \
    X(H5Tget_class) \
    X(H5Tget_cset) \
    X(H5Tget_ebias) \
    X(H5Tget_fields) \
    X(H5Tget_order) \
    X(H5Tget_size) \
    X(H5Tis_variable_str) \
    X(H5Tset_cset) \
    X(H5Tset_size) \
    X(H5check_version) \
    X(H5open) \
    X(H5P_CLS_FILE_ACCESS_ID_g) \
    X(H5T_C_S1_g) \
    X(H5T_IEEE_F32LE_g) \
    X(H5T_IEEE_F64LE_g)

typedef struct vgg_hdf5_functions {
#define VGG_HDF5_MEMBER(name) __typeof__(name) *to_##name;
    VGG_HDF5_SYMBOLS(VGG_HDF5_MEMBER)
#undef VGG_HDF5_MEMBER
} vgg_hdf5_functions;
extern vgg_hdf5_functions vgg_hdf5_loaded;

/* Loads libhdf5 unless it was loaded before. Errors: UNSUPPORTED, with the library's name and why it
 * can't be loaded. */
clvgg_status vgg_hdf5_load(void);

#ifndef VGG_HDF5_OWN_NAMES
#define H5Aclose (*vgg_hdf5_loaded.to_H5Aclose)
#define H5Aexists_by_name (*vgg_hdf5_loaded.to_H5Aexists_by_name)
#define H5Aget_space (*vgg_hdf5_loaded.to_H5Aget_space)
#define H5Aget_type (*vgg_hdf5_loaded.to_H5Aget_type)
#define H5Aopen_by_name (*vgg_hdf5_loaded.to_H5Aopen_by_name)
#define H5Aread (*vgg_hdf5_loaded.to_H5Aread)
#define H5Dget_create_plist (*vgg_hdf5_loaded.to_H5Dget_create_plist)
#define H5Dget_offset (*vgg_hdf5_loaded.to_H5Dget_offset)
#define H5Dget_space (*vgg_hdf5_loaded.to_H5Dget_space)
#define H5Dget_storage_size (*vgg_hdf5_loaded.to_H5Dget_storage_size)
#define H5Dget_type (*vgg_hdf5_loaded.to_H5Dget_type)
#define H5Dread (*vgg_hdf5_loaded.to_H5Dread)
#define H5Dvlen_reclaim (*vgg_hdf5_loaded.to_H5Dvlen_reclaim)
#define H5Eget_auto2 (*vgg_hdf5_loaded.to_H5Eget_auto2)
#define H5Eset_auto2 (*vgg_hdf5_loaded.to_H5Eset_auto2)
#define H5FDregister (*vgg_hdf5_loaded.to_H5FDregister)
#define H5Fclose (*vgg_hdf5_loaded.to_H5Fclose)
#define H5Fopen (*vgg_hdf5_loaded.to_H5Fopen)
#define H5Iget_type (*vgg_hdf5_loaded.to_H5Iget_type)
#define H5Iinc_ref (*vgg_hdf5_loaded.to_H5Iinc_ref)
#define H5Lexists (*vgg_hdf5_loaded.to_H5Lexists)
#define H5Literate (*vgg_hdf5_loaded.to_H5Literate)
#define H5Oclose (*vgg_hdf5_loaded.to_H5Oclose)
#define H5Oget_info (*vgg_hdf5_loaded.to_H5Oget_info)
#define H5Oopen (*vgg_hdf5_loaded.to_H5Oopen)
#define H5Pclose (*vgg_hdf5_loaded.to_H5Pclose)
#define H5Pcreate (*vgg_hdf5_loaded.to_H5Pcreate)
#define H5Pget_chunk (*vgg_hdf5_loaded.to_H5Pget_chunk)
#define H5Pget_driver_info (*vgg_hdf5_loaded.to_H5Pget_driver_info)
#define H5Pget_external_count (*vgg_hdf5_loaded.to_H5Pget_external_count)
#define H5Pget_filter2 (*vgg_hdf5_loaded.to_H5Pget_filter2)
#define H5Pget_layout (*vgg_hdf5_loaded.to_H5Pget_layout)
#define H5Pget_nfilters (*vgg_hdf5_loaded.to_H5Pget_nfilters)
#define H5Pset_driver (*vgg_hdf5_loaded.to_H5Pset_driver)
#define H5Pset_fclose_degree (*vgg_hdf5_loaded.to_H5Pset_fclose_degree)
#define H5Sclose (*vgg_hdf5_loaded.to_H5Sclose)
#define H5Screate_simple (*vgg_hdf5_loaded.to_H5Screate_simple)
#define H5Sget_simple_extent_dims (*vgg_hdf5_loaded.to_H5Sget_simple_extent_dims)
#define H5Sget_simple_extent_ndims (*vgg_hdf5_loaded.to_H5Sget_simple_extent_ndims)
#define H5Sget_simple_extent_npoints (*vgg_hdf5_loaded.to_H5Sget_simple_extent_npoints)
#define H5Sselect_hyperslab (*vgg_hdf5_loaded.to_H5Sselect_hyperslab)
#define H5Tclose (*vgg_hdf5_loaded.to_H5Tclose)
#define H5Tcopy (*vgg_hdf5_loaded.to_H5Tcopy)
#define H5Tequal (*vgg_hdf5_loaded.to_H5Tequal)
#define H5Tget_class (*vgg_hdf5_loaded.to_H5Tget_class)
#define H5Tget_cset (*vgg_hdf5_loaded.to_H5Tget_cset)
#define H5Tget_ebias (*vgg_hdf5_loaded.to_H5Tget_ebias)
#define H5Tget_fields (*vgg_hdf5_loaded.to_H5Tget_fields)
#define H5Tget_order (*vgg_hdf5_loaded.to_H5Tget_order)
#define H5Tget_size (*vgg_hdf5_loaded.to_H5Tget_size)
#define H5Tis_variable_str (*vgg_hdf5_loaded.to_H5Tis_variable_str)
#define H5Tset_cset (*vgg_hdf5_loaded.to_H5Tset_cset)
#define H5Tset_size (*vgg_hdf5_loaded.to_H5Tset_size)
#define H5check_version (*vgg_hdf5_loaded.to_H5check_version)
#define H5open (*vgg_hdf5_loaded.to_H5open)
#define H5P_CLS_FILE_ACCESS_ID_g (*vgg_hdf5_loaded.to_H5P_CLS_FILE_ACCESS_ID_g)
#define H5T_C_S1_g (*vgg_hdf5_loaded.to_H5T_C_S1_g)
#define H5T_IEEE_F32LE_g (*vgg_hdf5_loaded.to_H5T_IEEE_F32LE_g)
#define H5T_IEEE_F64LE_g (*vgg_hdf5_loaded.to_H5T_IEEE_F64LE_g)
#endif
/* clang-format on */

#endif
