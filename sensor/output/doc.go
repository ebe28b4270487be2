// Package output is where alerts and events go: files and the standard output.
//
// Every output runs on its own queue, so that none can slow the sensor or
// another output, and counts what it wrote and what it had to give up.
package output
