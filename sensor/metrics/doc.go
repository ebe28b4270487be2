// Package metrics writes figures in the text format of Prometheus (exposition
// format 0.0.4), to a stream or to a file for node_exporter's textfile collector.
//
// The format is at https://prometheus.io/docs/instrumenting/exposition_formats/.
package metrics
