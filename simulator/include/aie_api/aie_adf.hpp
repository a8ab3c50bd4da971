// aie_api as kernels of ADF graphs include it. Streams and windows of ADF are not modelled.

#pragma once

#include "aie.hpp"
