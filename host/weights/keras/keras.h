/* weights/keras/keras.h — Keras's files: variables in groups, one a layer, and the network that
 * they belong to, told by the model's configuration or, in a file of weights alone, by their
 * shapes.
 *
 * What Keras 3.15 writes, looked at in its files; older ones as read by its loaders:
 * layers/conv2d_3/vars/0 (.weights.h5, and inside of .keras), where groups are named after classes
 * and counted in each model, and the attribute "name" of `vars`, since Keras 3.6, is the layer's;
 * block1_conv1/block1_conv1/kernel:0 (.h5), where they are named after layers.
 */
#ifndef VGG_WEIGHTS_KERAS_H
#define VGG_WEIGHTS_KERAS_H

#ifdef CLVGG_HAVE_CJSON
#define VGG_KERAS_IS_READ
#include <cjson/cJSON.h>

#include "weights/format.h"
#include "weights/keras/hdf5.h"

enum { VGG_KERAS_MOST_VARIABLES = 8 };

/* A file that variables are in. */
typedef struct keras_file {
    vgg_hdf5 *hdf5;
    vgg_file *own; /* NULL: it is in weights->file */
    char *name;    /* for messages: its path, perhaps with a member's name */
} keras_file;

/* A layer's variables. */
typedef struct keras_group {
    char *path;       /* "layers/conv2d_3", "block1_conv1/block1_conv1" */
    const char *name; /* the layer's, or NULL where the file doesn't say it */
    const vgg_hdf5_dataset *variables[VGG_KERAS_MOST_VARIABLES]; /* in order where numbered */
    int count;
    bool numbered; /* variables are 0, 1, 2 …; else they have names */
    size_t rank;   /* of its layer in the file's list of layers; SIZE_MAX: in none */
    bool taken;
} keras_group;

/* Where a slot's values come from. */
typedef struct keras_place {
    const vgg_hdf5_dataset *set; /* NULL: all values are `constant` */
    float constant;
    vgg_strided strided; /* over bytes of `set`, from 0 on; its source is this place */
} keras_place;

/* A layer as the configuration has it, in a chain. */
typedef struct keras_step {
    const cJSON *config;
    const char *class_name, *name;
    char *path;  /* of its group in a .weights.h5 */
    char *model; /* name of the nested model it is in, "" outside */
} keras_step;

/* The network under way. */
typedef struct keras_build {
    struct vgg_keras *keras;
    vgg_graph *graph;
    bool channels_first;
    int64_t pad[4]; /* of a ZeroPadding2D, for the convolution behind it */
    bool padded;
    int64_t features[3]; /* {c, h, w} of what was flattened in the order h, w, c; 0: in our order */
    bool has_preprocessing;
    float scale, offset[3]; /* of a leading Rescaling or Normalization: scale · x + offset … */
    float deviation[3];     /* … over this */
} keras_build;

/* A node with parameters, before it has its final name. */
typedef struct keras_bound {
    int node;
    keras_group *group;
    int64_t features[3];
    bool has_scale, has_center; /* batch norm */
} keras_bound;

/* An opened file's state: `own` of vgg_weights. */
typedef struct vgg_keras {
    vgg_weights *weights;
    keras_file *files;
    size_t file_count, file_capacity;
    keras_group *groups;
    size_t group_count, group_capacity;
    char **layer_names; /* of an .h5, in the model's order */
    size_t layer_count;
    char *config_text;
    cJSON *config; /* NULL: weights alone */
    keras_step *steps;
    size_t step_count, step_capacity;
    keras_bound *bound;
    size_t bound_count, bound_capacity;
    keras_place **places; /* each by itself, as slots' sources point to them */
    size_t place_count, place_capacity;
    struct vgg_row_cache *rows;
} vgg_keras;

/* ---- files ---- */
/* Opens a whole file; NULL: that of the weights. */
clvgg_status vgg_keras_add_file(vgg_keras *keras, const char *path);
/* Opens a member of the weights' archive. */
clvgg_status vgg_keras_add_member(vgg_keras *keras, const vgg_archive_member *member);
/* Opens the files that a .weights.json names. */
clvgg_status vgg_keras_add_shards(vgg_keras *keras);
void vgg_keras_close_files(vgg_keras *keras);
/* FOLDER/NAME, freed by vgg_free(). */
clvgg_status vgg_keras_path_in(const char *folder, const char *name, char **path);

/* ---- Caffe's HDF5 ---- */
/* Says whether the first file is one, which holds data/LAYER/0 and 1. */
bool vgg_keras_is_caffe(const vgg_keras *keras);
/* Adds its tensors, named after the layers. */
clvgg_status vgg_keras_add_caffe(vgg_keras *keras);

/* ---- groups ---- */
/* Collects the variables of all files. */
clvgg_status vgg_keras_collect(vgg_keras *keras);
/* The group of a step; fails where there is none, or several. */
clvgg_status vgg_keras_find_group(vgg_keras *keras, const keras_step *step, keras_group **out);
/* The variable of a group at a position of the layer's parameters (VGG_WEIGHT …); NULL: none. */
const vgg_hdf5_dataset *vgg_keras_variable(const keras_bound *bound, bool is_norm, int position);
/* Sorts groups into the network's order, as far as paths tell it. */
void vgg_keras_sort(vgg_keras *keras);
/* Compares paths, numbers in them as numbers. */
int vgg_keras_compare_paths(const char *a, const char *b);

/* ---- the network ---- */
/* The chain of layers that a configuration describes, nested models in their places. */
clvgg_status vgg_keras_read_steps(vgg_keras *keras);
clvgg_status vgg_keras_build_steps(keras_build *build);
/* The VGG that the shapes of a file of weights tell. */
clvgg_status vgg_keras_build_from_shapes(keras_build *build);
/* Adds the nodes of one layer. */
clvgg_status vgg_keras_add_step(keras_build *build, const keras_step *step);
/* UNSUPPORTED: "layer 'NAME' (CLASS): what". */
clvgg_status vgg_keras_fail(const keras_step *step, const char *what);
/* scale · x + offset, or (x − mean) / √variance, of pixels, which become preprocessing. */
clvgg_status vgg_keras_rescaling(keras_build *build, const keras_step *step);
clvgg_status vgg_keras_normalization(keras_build *build, const keras_step *step);
/* States what those, or else Keras's own VGGs, do to pictures of three channels. */
clvgg_status vgg_keras_state_preprocessing(const keras_build *build, bool is_vgg);
/* Members of a layer's configuration. */
const char *vgg_keras_text(const cJSON *object, const char *member);
bool vgg_keras_flag(const cJSON *object, const char *member, bool missing);
/* {height, width} of 2, or 3 for both; false: it isn't there, or no such thing. */
bool vgg_keras_pair_of(const cJSON *item, int64_t pair[2]);
bool vgg_keras_pair(const cJSON *object, const char *member, int64_t pair[2]);

/* ---- nodes ---- */
/* Adds a node behind the last one; `attributes` may be NULL. */
clvgg_status vgg_keras_add(keras_build *build, const char *name, vgg_layer_type type,
                           const vgg_attributes *attributes);
/* The same for a layer whose variables are `group`'s. */
clvgg_status vgg_keras_add_bound(keras_build *build, const char *name, vgg_layer_type type,
                                 const vgg_attributes *attributes, keras_bound bound);
clvgg_status vgg_keras_add_activation(keras_build *build, const char *layer, const char *name,
                                      const char *activation);
clvgg_status vgg_keras_add_flatten(keras_build *build, const char *name, bool in_keras_order);
clvgg_status vgg_keras_add_global_pool(keras_build *build, const char *name, bool is_max,
                                       bool keeps_dims);
/* Shape of the last node. */
const clvgg_shape *vgg_keras_shape(const keras_build *build);
/* Gives the layers of a VGG their canonical names. *architecture: "vgg16", or NULL where it is no
 * VGG. */
clvgg_status vgg_keras_name_layers(vgg_graph *graph, const char **architecture);
/* A slot for each parameter. */
clvgg_status vgg_keras_bind(keras_build *build);
/* Adds a place whose values are `set`'s, with a shape and strides of none yet; NULL: `constant`. */
clvgg_status vgg_keras_add_place(vgg_keras *keras, const vgg_hdf5_dataset *set, float constant,
                                 keras_place **out);
#endif

#endif
