"""Tables of VGG16's layers, from results of `clvgg bench --per-layer`: variant, milliseconds by the device's clock, GFLOP/s counted
as direct convolution, share of the device's peak."""
import common

AT_PEAK = 64  # input channels from which a convolution should reach the peak at batch 16


def channels_in(name):
    """Of a convolution of VGG16 by its name; 0 for other layers."""
    if not name.startswith("conv"):
        return 0
    block, index = int(name[4]), int(name[6])
    width = (64, 128, 256, 512, 512)
    return width[block - 1] if index > 1 else 3 if block == 1 else width[block - 2]


def one_table(name, document):
    peak, read = document["peak"]["fma_gflops"], document["peak"]["read_gbps"]
    columns = {one["batch"]: {layer["name"]: layer for layer in one["layers"]} for one in document["results"] if "layers" in one}
    head, below = ["layers "], []
    rows = {layer["name"]: [layer["layers"]] for layers in columns.values() for layer in layers.values()}
    for batch, layers in columns.items():
        head += [f"batch {batch}: variant ", "ms", "GFLOP/s", "of peak"]
        for row_name, row in rows.items():
            layer = layers.get(row_name)
            share = layer["gflops"] / peak if layer and layer["gflops"] else None
            row += [layer["variant"], f"{layer['ms']:.2f}"] if layer else ["", ""]
            row += [f"{layer['gflops']:.0f}", f"{100 * share:.0f} %"] if share else ["", ""]
            if batch == 16 and share and share < 1 and channels_in(row_name) >= AT_PEAK:
                below.append(f"{row_name} ({100 * share:.0f} %)")
    said = f"**{name.replace('-', ' ')}**: peak {peak:.0f} GFLOP/s, reading {read:.1f} GB/s."
    if 16 in columns:
        said += (f" Of convolutions with {AT_PEAK} or more input channels, at batch 16, " +
                 ("below the peak: " + ", ".join(below) if below else "none is below the peak") + ".")
    return "\n".join([said, "", common.table(head, list(rows.values()))])


def page(documents):
    """Of those of clvgg's documents that have layers."""
    return "\n\n".join(one_table(name, document) for name, document in documents.items()
                       if any("layers" in one for one in document["results"]))
