#include <hip/hip_runtime.h>

__global__ void add_scaled(int n, float a, const float *x, float *y)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] += a * x[i];
}

extern "C" const char *backend(void) { return "rocm"; }

extern "C" const char *saxpy(int n, float a, const float *x, float *y)
{
    size_t size = n * sizeof(float);
    float *there_x = nullptr, *there_y = nullptr;
    int devices = 0;
    hipError_t error = hipGetDeviceCount(&devices);
    if (!error) error = hipMalloc(&there_x, size);
    if (!error) error = hipMalloc(&there_y, size);
    if (!error) error = hipMemcpy(there_x, x, size, hipMemcpyHostToDevice);
    if (!error) error = hipMemcpy(there_y, y, size, hipMemcpyHostToDevice);
    if (!error) {
        add_scaled<<<(n + 255) / 256, 256>>>(n, a, there_x, there_y);
        error = hipGetLastError();
    }
    if (!error) error = hipMemcpy(y, there_y, size, hipMemcpyDeviceToHost);
    (void)hipFree(there_x);
    (void)hipFree(there_y);
    return error ? hipGetErrorName(error) : nullptr;
}
