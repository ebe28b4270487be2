package config

import "time"

// The ranges of what can be set for outputs.
const (
	minFileSize   = 64 * KiB // some alerts
	minMaxMessage = 1 * KiB  // an alert without all that can be left out
	maxMaxMessage = 16 * MiB
	minSpool      = 1 * MiB
	maxKeep       = 100000
	minFileAge    = Duration(time.Minute)
)

// outputSections describes the settings of outputs.
func outputSections() []section {
	return []section{
		{
			name:  "output.alerts",
			about: "The file of alerts. [docs/outputs.md](outputs.md) says what each output promises.",
			settings: fileSettings("The file to which alerts are appended, one JSON document a line, each synced to the disk. " +
				"Empty means that there is none."),
		},
		{
			name: "output.events",
			settings: fileSettings("The file to which every event that the rules see is appended, one JSON document a line. " +
				"Empty means that there is none; a usual place is `/var/log/tripline/events.ndjson`."),
		},
		{name: "output.syslog", settings: syslogSettings()},
		{name: "output.syslog.tls", settings: tlsSettings()},
		{
			name: "output.elasticsearch",
			about: "Documents go to the data streams `logs-tripline.alerts-default`, `logs-tripline.evidence-default`, " +
				"`logs-tripline.health-default` and `logs-tripline.events-default`.",
			settings: elasticsearchSettings(),
		},
		{name: "output.elasticsearch.tls", settings: tlsSettings()},
		{
			name: "output.spool",
			about: "Where documents for syslog over TCP and TLS and for Elasticsearch wait until they are delivered. What was taken " +
				"in is delivered, after a restart too.",
			settings: spoolSettings(),
		},
	}
}

func fileSettings(aboutPath string) []setting {
	return []setting{{
		key: "path", limit: filePath(), about: aboutPath,
	}, {
		key: "max_size", limit: bounds{low: int64(minFileSize), show: within(0, 0).show}.orZero("0 means no limit"),
		about: "A new file is begun before this one would exceed the size. 0 means no limit. Old files have a number after " +
			"their name, upwards: `.000001`, or `.000001.gz`.",
	}, {
		key: "max_age", limit: bounds{low: int64(minFileAge), show: lasting(0, 0, "").show}.orZero("\"0s\" means no limit"),
		about: "A new file is begun when the first document of this one has the age. 0s means no limit.",
	}, {
		key: "keep", limit: between(0, maxKeep, "0 keeps all"),
		about: "How many old files are kept. 0 keeps all.",
	}, {
		key:   "compress",
		about: "Compress old files with gzip.",
	}}
}

func syslogSettings() []setting {
	return []setting{{
		key: "address",
		about: "Where alerts are sent as syslog messages (RFC 5424). Empty means nowhere; else one of `unix:///dev/log` (the syslog " +
			"daemon of this host), `udp://host:514` (nobody knows what arrives), `tcp://host:601` (through the spool) and " +
			"`tls://host:6514` (through the spool, encrypted).",
	}, {
		key: "facility", limit: words(SyslogFacilities()...),
		about: "The facility of the messages.",
	}, {
		key:   "events",
		about: "Send events too.",
	}, {
		key: "max_message", limit: within(minMaxMessage, maxMaxMessage),
		about: "The largest message that the receiver takes whole. rsyslog cuts what exceeds its maxMessageSize, 8k where nothing " +
			"is set: raise it there first. A larger alert is sent without some of its parts, and names them.",
	}, {
		key: "confirm",
		about: "Over TCP and TLS: a message counts as delivered when the receiver has read it, which it shows by ending the " +
			"connection after the sensor has. For receivers that never do, `false`: then what lies in the receiver's buffer when " +
			"it ends is lost.",
	}}
}

func elasticsearchSettings() []setting {
	return []setting{{
		key: "urls",
		about: "The nodes of the cluster to which alerts are sent, tried in turn, such as `[\"https://elastic.example:9200\"]`. " +
			"An empty list means nowhere.",
	}, {
		key: "api_key",
		about: "The API key, as base64 or as `id:key`. The configuration file should then be readable by root alone. " +
			"Over plain http it is sent to this host only.",
	}, {
		key:   "api_key_file",
		about: "The file that holds the API key, in the place of `api_key`. It should be readable by root alone.",
	}, {
		key:   "events",
		about: "Send events too.",
	}, {
		key:   "compress",
		about: "Send requests compressed with gzip.",
	}}
}

// tlsSettings describes TLS for one receiver.
func tlsSettings() []setting {
	return []setting{{
		key:   "ca_file",
		about: "Certificates (PEM) of those who sign the receiver's. Empty means those that the system trusts.",
	}, {
		key:   "certificate",
		about: "The sensor's own certificate (PEM), with `key`. Empty means none.",
	}, {
		key:   "key",
		about: "The private key (PEM) of `certificate`.",
	}, {
		key:   "server_name",
		about: "The name in the receiver's certificate. Empty means that of the address.",
	}}
}

func spoolSettings() []setting {
	return []setting{{
		key: "folder", limit: path(),
		about: "A folder with a folder for each receiver. It must be set where a receiver needs it.",
	}, {
		key: "max_size", limit: bounds{low: int64(minSpool), show: within(0, 0).show},
		about: "How many bytes may wait for each receiver. When it is full, newer documents are dropped and counted. " +
			"An alert has some 10 to 40 KiB.",
	}}
}
