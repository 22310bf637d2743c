"""Pure array functions, the same in training and on the device."""
