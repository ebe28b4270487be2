package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/internal/version"
	"tripline/sensor/output"
	"tripline/sensor/output/elastic"
	"tripline/sensor/output/secure"
	"tripline/sensor/output/syslog"
)

// What is sent to a receiver at once. A batch over syslog that is interrupted may
// arrive twice, so it is small. syslogSettle is for how long its connection is kept.
const (
	syslogDocuments, syslogBytes   = 512, 1 << 20
	syslogSettle                   = 50 * time.Millisecond
	elasticDocuments, elasticBytes = 1000, 4 << 20
)

// openRemotes adds the receivers of messages to the outputs.
func openRemotes(settings *config.Output, opened *Outputs, log hclog.Logger) error {
	if settings.Syslog.Address != "" {
		writer, err := openSyslog(settings, log)
		if err != nil {
			return fmt.Errorf("%w; see [output.syslog] and [output.spool]", err)
		}
		opened.add(writer, settings.Syslog.Events)
	}
	if len(settings.Elasticsearch.URLs) > 0 {
		writer, err := openElastic(settings, log)
		if err != nil {
			return fmt.Errorf("%w; see [output.elasticsearch] and [output.spool]", err)
		}
		opened.add(writer, settings.Elasticsearch.Events)
	}
	return nil
}

// add adds a writer for alerts and maybe for events.
func (o *Outputs) add(writer output.Writer, events bool) {
	o.Alerts = append(o.Alerts, writer)
	if events {
		o.Events = append(o.Events, writer)
	}
}

func openSyslog(settings *config.Output, logger hclog.Logger) (output.Writer, error) {
	network, address, _ := strings.Cut(settings.Syslog.Address, "://")
	hostname, err := os.Hostname()
	if err != nil {
		logger.Warn("syslog messages will not name this host", "error", err)
	}
	options := syslog.Options{
		Network: network, Address: address, MaxMessage: int(settings.Syslog.MaxMessage), Log: logger,
		Origin: syslog.Origin{
			Facility: uint8(max(0, slices.Index(config.SyslogFacilities(), settings.Syslog.Facility))), //nolint:gosec // 24 at most
			Hostname: hostname, Program: "tripline", PID: os.Getpid(), Version: version.Version,
		},
	}
	if network == "unix" || network == "udp" {
		return syslog.NewLocal(options), nil
	}
	sender := syslog.NewStream(syslog.StreamOptions{
		Options: options, TLS: tlsFiles(&settings.Syslog.TLS), Confirm: settings.Syslog.Confirm, Settle: syslogSettle,
	})
	return output.OpenRemote(sender, output.RemoteOptions{
		Folder: filepath.Join(settings.Spool.Folder, "syslog"), MaxBytes: int64(settings.Spool.MaxSize),
		Documents: syslogDocuments, Bytes: syslogBytes, FirstPause: 500 * time.Millisecond, LongestPause: 30 * time.Second, Log: logger,
	})
}

func openElastic(settings *config.Output, log hclog.Logger) (output.Writer, error) {
	folder := filepath.Join(settings.Spool.Folder, "elasticsearch")
	refused, err := output.OpenFile(output.FileOptions{
		Path: filepath.Join(settings.Spool.Folder, "elasticsearch.refused.ndjson"), Sync: true, Log: log,
		Rotation: output.Rotation{MaxSize: 16 << 20, Keep: 4, Compress: true},
	})
	if err != nil {
		return nil, err
	}
	sender, err := elastic.New(elastic.Options{
		URLs: settings.Elasticsearch.URLs, APIKey: string(settings.Elasticsearch.APIKey), KeyFile: settings.Elasticsearch.APIKeyFile,
		TLS: tlsFiles(&settings.Elasticsearch.TLS), Compress: settings.Elasticsearch.Compress, Refused: refused, Log: log,
	})
	if err != nil {
		return nil, errors.Join(err, refused.Close())
	}
	return output.OpenRemote(sender, output.RemoteOptions{
		Folder: folder, MaxBytes: int64(settings.Spool.MaxSize),
		Documents: elasticDocuments, Bytes: elasticBytes, FirstPause: time.Second, LongestPause: time.Minute, Log: log,
	})
}

func tlsFiles(settings *config.TLS) secure.Files {
	return secure.Files{
		CA: settings.CAFile, Certificate: settings.Certificate, Key: settings.Key, ServerName: settings.ServerName,
	}
}
