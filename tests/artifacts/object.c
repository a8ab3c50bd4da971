/* Compiled to fixtures/object.o by rebuild.py. */

extern float sqrtf(float);

int table[4] = {1, 2, 3, 4};

__attribute__((noinline)) int leaf(int x) {
  volatile int scratch[8];
  scratch[x & 7] = x;
  return scratch[0];
}

float user(float x) {
  volatile int scratch[100];
  scratch[leaf(5) & 63] = leaf(3);
  return sqrtf(x) + scratch[0] + table[1];
}
