// Phase factors that shift images; one thread for each pixel of each shift.
extern "C" __global__ void fill_phases(
    const double* shifts,  // (shifts, 2): pixels over the box size
    const float* kx,       // (pixels)
    const float* ky,       // (pixels)
    int count, int pixels,
    Pair* out)             // (shifts, pixels)
{
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)count * pixels) return;
    int shift = (int)(i / pixels), k = (int)(i % pixels);
    double cycles = kx[k] * shifts[2 * shift] + ky[k] * shifts[2 * shift + 1];
    // whole turns are taken off in double precision, so that the angle is small
    float angle = -6.28318530717958648f * (float)(cycles - floor(cycles));
    out[i] = {cosf(angle), sinf(angle)};
}
