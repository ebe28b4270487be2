// Package sensor is the running sensor: it makes the kernel ready, runs records
// through the pipeline of normalize and detect, and hands alerts to the outputs.
// Recorded logs go through the same pipeline.
package sensor
