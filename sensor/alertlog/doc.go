// Package alertlog reads the files to which the sensor wrote alerts: the present
// one and those that were rotated away, plain or compressed. A line that a crash
// tore and lines of others are counted and cost nothing else.
package alertlog
