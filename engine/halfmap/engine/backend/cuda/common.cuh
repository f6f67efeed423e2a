// What all kernels share. Plain CUDA C++: no headers, no warp shuffles, no shared memory, so that the same text is
// compiled for the card and, with a few definitions in front, for a processor.

struct Pair {
    float real, imag;
};

// Where a point falls in a half-transform with y and z centred and x >= 0: the voxel before it, the way to the next one,
// and -1 if it was read on the other side, as a conjugate.
struct Place {
    int x, y, z;
    float fx, fy, fz, side;
};

__device__ inline Place place_of(const float* matrix, float kx, float ky, int centre) {
    Place p;
    float x = kx * matrix[0] + ky * matrix[3];
    float y = kx * matrix[1] + ky * matrix[4];
    float z = kx * matrix[2] + ky * matrix[5];
    p.side = x >= 0 ? 1.0f : -1.0f;
    x *= p.side;
    y = y * p.side + centre;
    z = z * p.side + centre;
    p.x = (int)x;
    p.y = (int)y;
    p.z = (int)z;
    p.fx = x - p.x;
    p.fy = y - p.y;
    p.fz = z - p.z;
    return p;
}
