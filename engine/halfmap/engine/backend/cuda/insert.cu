// Spread the pixels of slices over their eight neighbours; one thread for each pixel of each slice.
extern "C" __global__ void insert_slices(
    float* sums,           // (size, size, half, 4): real part, imaginary part, weight, nothing
    int size, int half,
    const float* matrices, // (slices, 2, 3): pixel indices to voxels
    const float* kx,       // (pixels)
    const float* ky,       // (pixels)
    int slices, int pixels,
    int orientations,      // slices of one tilt, one after the other
    const Pair* phases,    // (slices, pixels): posterior-weighted sums of phase factors
    const float* mass,     // (orientations): posterior mass
    const Pair* images,    // (tilts, pixels): what is back-projected
    const float* weights)  // (tilts, pixels): its weight
{
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)slices * pixels) return;
    int slice = (int)(i / pixels), k = (int)(i % pixels);
    int tilt = slice / orientations;
    float weight = mass[slice % orientations] * weights[(long long)tilt * pixels + k];
    if (weight <= 0) return;
    Place p = place_of(matrices + 6 * slice, kx[k], ky[k], size / 2);
    Pair phase = phases[i], image = images[(long long)tilt * pixels + k];
    float real = phase.real * image.real - phase.imag * image.imag;
    float imag = (phase.real * image.imag + phase.imag * image.real) * p.side;
    for (int corner = 0; corner < 8; ++corner) {
        int dx = corner & 1, dy = (corner >> 1) & 1, dz = corner >> 2;
        float share = (dx ? p.fx : 1 - p.fx) * (dy ? p.fy : 1 - p.fy) * (dz ? p.fz : 1 - p.fz);
        float* voxel = sums + 4 * ((((long long)(p.z + dz) * size + p.y + dy) * half) + p.x + dx);
        add_to_voxel(voxel, share * real, share * imag, share * weight);
    }
}
