// Slices of a reference by trilinear interpolation; one thread for each pixel of each slice.
extern "C" __global__ void gather_slices(
    const Pair* volume,    // (size, size, half): y and z centred, x >= 0, a margin of one voxel
    int size, int half,
    const float* matrices, // (slices, 2, 3): pixel indices to voxels
    const float* kx,       // (pixels)
    const float* ky,       // (pixels)
    int slices, int pixels,
    Pair* out,             // (slices, pixels)
    float* squares)        // (slices, pixels): squared magnitudes
{
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)slices * pixels) return;
    int slice = (int)(i / pixels), k = (int)(i % pixels);
    Place p = place_of(matrices + 6 * slice, kx[k], ky[k], size / 2);
    const Pair* at = volume + ((long long)p.z * size + p.y) * half + p.x;
    float real = 0, imag = 0;
    for (int row = 0; row < 4; ++row) {
        const Pair* near = at + ((row >> 1) * (long long)size + (row & 1)) * half;
        float weight = (row & 1 ? p.fy : 1 - p.fy) * (row >> 1 ? p.fz : 1 - p.fz);
        Pair here = near[0], next = near[1];
        real += weight * (here.real + p.fx * (next.real - here.real));
        imag += weight * (here.imag + p.fx * (next.imag - here.imag));
    }
    imag *= p.side;
    out[i] = {real, imag};
    squares[i] = real * real + imag * imag;
}
