#include <cuda_runtime.h>

__global__ void add_scaled(int n, float a, const float *x, float *y)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] += a * x[i];
}

extern "C" const char *backend(void) { return "cuda"; }

extern "C" const char *saxpy(int n, float a, const float *x, float *y)
{
    size_t size = n * sizeof(float);
    float *there_x = nullptr, *there_y = nullptr;
    int devices = 0;
    cudaError_t error = cudaGetDeviceCount(&devices);
    if (!error) error = cudaMalloc(&there_x, size);
    if (!error) error = cudaMalloc(&there_y, size);
    if (!error) error = cudaMemcpy(there_x, x, size, cudaMemcpyHostToDevice);
    if (!error) error = cudaMemcpy(there_y, y, size, cudaMemcpyHostToDevice);
    if (!error) {
        add_scaled<<<(n + 255) / 256, 256>>>(n, a, there_x, there_y);
        error = cudaGetLastError();
    }
    if (!error) error = cudaMemcpy(y, there_y, size, cudaMemcpyDeviceToHost);
    cudaFree(there_x);
    cudaFree(there_y);
    return error ? cudaGetErrorName(error) : nullptr;
}
