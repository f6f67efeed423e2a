// Three numbers added to a voxel: at once where the card can, one after the other elsewhere.
__device__ inline void add_to_voxel(float* voxel, float real, float imag, float weight) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    atomicAdd(reinterpret_cast<float4*>(voxel), make_float4(real, imag, weight, 0.0f));
#else
    atomicAdd(voxel, real);
    atomicAdd(voxel + 1, imag);
    atomicAdd(voxel + 2, weight);
#endif
}
