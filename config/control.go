package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Control says where the running sensor is asked how it is.
type Control struct {
	// Socket is the path of a Unix socket, for root alone. Empty means that there
	// is none.
	Socket string `toml:"socket"`
}

// Metrics says where figures for Prometheus go, besides the control socket.
type Metrics struct {
	// Textfile is a file for node_exporter's textfile collector, whose name ends in
	// .prom. Empty means that there is none.
	Textfile string `toml:"textfile"`
	// Interval is how often it is written.
	Interval Duration `toml:"interval"`
}

// maxSocketPath is how long the path of a Unix socket may be (unix(7)).
const maxSocketPath = 107

// The range of the interval between two writings of the metrics file.
const (
	minMetricsInterval = Duration(time.Second)
	maxMetricsInterval = Duration(time.Hour)
)

func controlSettings() []setting {
	return []setting{{
		key: "socket", limit: socketPath(),
		about: "The Unix socket (mode 0600) on which root asks the running sensor how it is, with `tripline status` or any client " +
			"of HTTP. Empty means that there is none. See [docs/status.md](status.md).",
	}}
}

func metricsSettings() []setting {
	return []setting{{
		key: "textfile", limit: textfilePath(),
		about: "A file with the sensor's figures in the format of Prometheus, for node_exporter's textfile collector, such as " +
			"`\"/var/lib/prometheus/node-exporter/tripline.prom\"`. Everybody may read it. It is removed when the sensor ends. Empty " +
			"means that there is none: the control socket has the figures too.",
	}, {
		key: "interval", limit: lasting(minMetricsInterval, maxMetricsInterval, ""),
		about: "How often it is written.",
	}}
}

// socketPath refuses what no Unix socket can be called.
func socketPath() rule {
	return rule{"the whole path of a file, or empty", func(value string) (message, hint string) {
		switch {
		case value == "":
			return "", ""
		case len(value) > maxSocketPath:
			return fmt.Sprintf("may have at most %d bytes, not %d", maxSocketPath, len(value)), ""
		case !filepath.IsAbs(value) || strings.HasSuffix(value, "/"):
			return "must be the whole path of a file", `write "/run/tripline/control.sock", or "" for none`
		}
		return path().check(value)
	}}
}

// textfilePath refuses what the textfile collector does not read.
func textfilePath() rule {
	return rule{"the whole path of a file ending in .prom, or empty", func(value string) (message, hint string) {
		switch {
		case value == "":
			return "", ""
		case filepath.Ext(value) != ".prom":
			return "must end in .prom", "node_exporter reads no other files"
		case !filepath.IsAbs(value):
			return "must be a whole path", `write "/var/lib/prometheus/node-exporter/tripline.prom", or "" for none`
		}
		return path().check(value)
	}}
}
