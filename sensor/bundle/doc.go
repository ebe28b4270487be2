// Package bundle carries alerts out of a host in one signed archive, and checks
// such an archive elsewhere: the alerts with their evidence, the events around
// them, what the host is, the rules. The archive is a gzip-compressed tar file of
// a folder that ordinary tools can check too:
//
//	tar xzf FILE && cd tripline-export && sha256sum -c SHA256SUMS &&
//	openssl pkeyutl -verify -pubin -inkey export.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
//
// Apart from times, the same content gives the same bytes.
package bundle

// folder is the one that the archive holds.
const folder = "tripline-export"

// The names of files in it.
const (
	nameManifest  = "manifest.json"
	nameHost      = "host.json"
	nameAlerts    = "alerts.ndjson"
	nameEvents    = "events.ndjson"
	namePublicKey = "export.pub"
	nameSums      = "SHA256SUMS"
	nameSignature = "SHA256SUMS.sig"
	rulesFolder   = "rules"
)
