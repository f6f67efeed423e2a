// Terms of the squared difference between model and image that depend on the pose; one thread for each pixel and group
// of slices.
extern "C" __global__ void add_residual_terms(
    const Pair* slices,   // (slices, pixels)
    const Pair* phases,   // (slices, pixels): posterior-weighted sums of phase factors
    const float* mass,    // (orientations): posterior mass
    const Pair* images,   // (tilts, pixels)
    const float* ctf,     // (tilts, pixels): what the model multiplies a slice by
    int count, int pixels,
    int orientations,     // slices of one tilt, one after the other
    int at_once,          // slices of a group
    float* cross,         // (pixels): sum of w Re(C P conj(X)), added to
    float* power)         // (pixels): sum of w |C P|^2, added to
{
    int groups = (count + at_once - 1) / at_once;
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)groups * pixels) return;
    int group = (int)(i / pixels), k = (int)(i % pixels);
    float sum_cross = 0, sum_power = 0;
    for (int slice = group * at_once; slice < count && slice < (group + 1) * at_once; ++slice) {
        long long here = (long long)slice * pixels + k, there = (long long)(slice / orientations) * pixels + k;
        Pair section = slices[here], phase = phases[here], image = images[there];
        float real = phase.real * image.real - phase.imag * image.imag;
        float imag = phase.real * image.imag + phase.imag * image.real;
        float c = ctf[there];
        sum_cross += c * (section.real * real + section.imag * imag);
        sum_power += mass[slice % orientations] * c * c * (section.real * section.real + section.imag * section.imag);
    }
    atomicAdd(cross + k, sum_cross);
    atomicAdd(power + k, sum_power);
}
