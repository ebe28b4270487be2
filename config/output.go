package config

import (
	"strings"
	"time"
)

// Output says where results go, besides standard output.
type Output struct {
	Alerts        File          `toml:"alerts"`
	Events        File          `toml:"events"`
	Syslog        Syslog        `toml:"syslog"`
	Elasticsearch Elasticsearch `toml:"elasticsearch"`
	Spool         Spool         `toml:"spool"`
}

// File is a file to which documents are appended, one JSON document a line.
type File struct {
	// Path names the file. Empty means that there is none.
	Path string `toml:"path"`
	// MaxSize is the size at which a new file is begun; 0 for no limit.
	MaxSize Size `toml:"max_size"`
	// MaxAge is the age at which a new file is begun; 0 for no limit.
	MaxAge Duration `toml:"max_age"`
	// Keep is how many old files are kept; 0 for all.
	Keep int `toml:"keep"`
	// Compress makes gzip files of old ones.
	Compress bool `toml:"compress"`
}

// Syslog is a receiver of syslog messages.
type Syslog struct {
	// Address says where it is and how it is spoken to: unix:///dev/log,
	// udp://host:514, tcp://host:601 or tls://host:6514. Empty means that there is
	// none.
	Address string `toml:"address"`
	// Facility is syslog's name for the part of the system that a message is of.
	Facility string `toml:"facility"`
	// Events sends events too, not only alerts.
	Events bool `toml:"events"`
	// MaxMessage is the size of the largest message that the receiver takes whole.
	MaxMessage Size `toml:"max_message"`
	// Confirm makes messages over TCP and TLS count as delivered only when the
	// receiver has read them, as it shows by ending the connection.
	Confirm bool `toml:"confirm"`
	TLS     TLS  `toml:"tls"`
}

// Elasticsearch is a cluster that documents are sent to.
type Elasticsearch struct {
	// URLs are those of one node or several, tried in turn. None means that
	// there is no cluster.
	URLs []string `toml:"urls"`
	// APIKey is the key, as base64 or as "id:key".
	APIKey Secret `toml:"api_key"`
	// APIKeyFile holds the key instead.
	APIKeyFile string `toml:"api_key_file"`
	// Events sends events too, not only alerts.
	Events bool `toml:"events"`
	// Compress sends requests compressed with gzip.
	Compress bool `toml:"compress"`
	TLS      TLS  `toml:"tls"`
}

// TLS says whom to trust and who the sensor is. The files are read at each
// connection, so that renewed certificates are used.
type TLS struct {
	// CAFile holds the certificates, PEM, of those who sign the receiver's. Empty
	// means those that the system trusts.
	CAFile string `toml:"ca_file"`
	// Certificate and Key are files, PEM, with the sensor's own certificate and
	// its private key. Empty for none.
	Certificate string `toml:"certificate"`
	Key         string `toml:"key"`
	// ServerName is the name in the receiver's certificate. Empty means that of
	// the address.
	ServerName string `toml:"server_name"`
}

// Spool is where documents for remote receivers wait on the disk.
type Spool struct {
	// Folder has a folder for each receiver.
	Folder string `toml:"folder"`
	// MaxSize bounds what waits for one receiver.
	MaxSize Size `toml:"max_size"`
}

// Secret is text that is never shown.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(hidden)"
}

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// defaultOutput is the default of Output.
func defaultOutput() Output {
	return Output{
		Alerts:        File{Path: "/var/log/tripline/alerts.ndjson", MaxSize: 64 * MiB, Keep: 16, Compress: true},
		Events:        File{MaxSize: 256 * MiB, MaxAge: Duration(24 * time.Hour), Keep: 14, Compress: true},
		Syslog:        Syslog{Facility: "daemon", MaxMessage: 8 * KiB, Confirm: true},
		Elasticsearch: Elasticsearch{URLs: []string{}, Compress: true},
		Spool:         Spool{Folder: "/var/lib/tripline/spool", MaxSize: 64 * MiB},
	}
}

// Destinations names where results go, each with what goes there.
func (o *Output) Destinations() []string {
	const alerts, both = "alerts", "alerts and events"
	what := func(events bool) string {
		if events {
			return both
		}
		return alerts
	}
	var all []string
	if o.Alerts.Path != "" {
		all = append(all, alerts+" to "+o.Alerts.Path)
	}
	if o.Events.Path != "" {
		all = append(all, "events to "+o.Events.Path)
	}
	if o.Syslog.Address != "" {
		all = append(all, what(o.Syslog.Events)+" to syslog "+o.Syslog.Address)
	}
	if len(o.Elasticsearch.URLs) > 0 {
		all = append(all, what(o.Elasticsearch.Events)+" to elasticsearch "+strings.Join(o.Elasticsearch.URLs, ", "))
	}
	return all
}
