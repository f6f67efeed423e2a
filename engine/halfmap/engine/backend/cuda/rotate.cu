// Add sums, read at R k by trilinear interpolation, to every voxel k within a radius; one thread for each voxel.
extern "C" __global__ void add_rotated(
    const double* sums,     // (size, size, half, 3): Hermitian, y and z centred
    const double* rotation, // (3, 3)
    int size, int half, int radius,
    double* total)          // (size, size, half, 3): added to
{
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)size * size * half) return;
    int centre = size / 2;
    double x = (double)(i % half), y = (double)(i / half % size - centre), z = (double)(i / half / size - centre);
    if (x * x + y * y + z * z > (double)radius * radius) return;
    double px = rotation[0] * x + rotation[1] * y + rotation[2] * z;
    double py = rotation[3] * x + rotation[4] * y + rotation[5] * z;
    double pz = rotation[6] * x + rotation[7] * y + rotation[8] * z;
    double side = px >= 0 ? 1.0 : -1.0;
    px *= side;
    py = py * side + centre;
    pz = pz * side + centre;
    int ix = (int)px, iy = (int)py, iz = (int)pz;
    double fx = px - ix, fy = py - iy, fz = pz - iz;
    for (int corner = 0; corner < 8; ++corner) {
        int dx = corner & 1, dy = (corner >> 1) & 1, dz = corner >> 2;
        double share = (dx ? fx : 1 - fx) * (dy ? fy : 1 - fy) * (dz ? fz : 1 - fz);
        const double* voxel = sums + 3 * ((((long long)(iz + dz) * size + iy + dy) * half) + ix + dx);
        total[3 * i] += share * voxel[0];
        total[3 * i + 1] += share * side * voxel[1];
        total[3 * i + 2] += share * voxel[2];
    }
}
