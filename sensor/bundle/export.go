package bundle

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tripline/internal/version"
	"tripline/normalize"
	"tripline/sensor/alertlog"
)

// Format is the version of the archive's layout.
const Format = 1

// Options say what is exported.
type Options struct {
	// Alerts reads the alerts that are wanted from AlertFiles.
	Alerts     *alertlog.Reader
	AlertFiles []string
	// EventFiles are the event log, none where there is none. Events up to Around
	// before the first event of an alert and after its last are exported.
	EventFiles []string
	Around     time.Duration
	// Host describes the host that exports.
	Host *normalize.HostFacts
	// Rules are the rule files by rule_id. Those of exported alerts are exported.
	Rules map[string][]byte
	// Selection says in words which alerts were asked for.
	Selection map[string]string
	// Key signs the archive.
	Key ed25519.PrivateKey
	// Made is the time of the export.
	Made time.Time
	// Temporary is a folder for temporary files, which are as secret as the
	// export.
	Temporary string
	// Report is told of every defect of the event log.
	Report func(error)
}

// Manifest is what the archive says of itself.
type Manifest struct {
	Format      int               `json:"format"`
	Made        time.Time         `json:"made"`
	Version     string            `json:"tripline_version"`
	Fingerprint string            `json:"key_fingerprint"`
	Selection   map[string]string `json:"selection,omitempty"`
	// Alerts, Events and Rules count what is in the archive.
	Alerts int `json:"alerts"`
	Events int `json:"events"`
	Rules  int `json:"rules"`
	// Notes say what is missing, and why.
	Notes []string `json:"notes,omitempty"`
}

// exporter is one export.
type exporter struct {
	options  *Options
	manifest Manifest
	windows  windows
	rules    map[string]bool
	alerts   *spool
	events   *spool
}

// Export writes an archive.
func Export(ctx context.Context, to io.Writer, options *Options) (manifest *Manifest, err error) {
	e := &exporter{options: options, rules: make(map[string]bool)}
	fingerprint, err := Fingerprint(options.Key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	e.manifest = Manifest{
		Format: Format, Made: options.Made.UTC().Truncate(time.Second), Version: version.Version, Fingerprint: fingerprint, Selection: options.Selection,
	}
	if e.alerts, err = newSpool(options.Temporary); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.alerts.close()) }()
	if e.events, err = newSpool(options.Temporary); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.events.close()) }()
	if err := e.readAlerts(ctx); err != nil {
		return nil, err
	}
	if err := e.readEvents(ctx); err != nil {
		return nil, err
	}
	if err := e.write(to); err != nil {
		return nil, err
	}
	return &e.manifest, nil
}

// readAlerts spools the alerts and notes which events and rules go with them.
func (e *exporter) readAlerts(ctx context.Context) error {
	joiner := alertlog.NewJoiner(func(one *alertlog.Alert) error {
		e.manifest.Alerts++
		e.rules[one.RuleID] = true
		from, to := span(one)
		e.windows.add(from.Add(-e.options.Around), to.Add(e.options.Around))
		return e.alerts.line(one.JSON)
	})
	if err := e.options.Alerts.Each(ctx, e.options.AlertFiles, joiner.Add); err != nil {
		return err
	}
	if err := joiner.Flush(); err != nil {
		return err
	}
	if counts := e.options.Alerts.Counts(); counts.Failed > 0 || counts.Foreign > 0 {
		e.note("%d alert files could not be read to their end, %d of their lines are no alert", counts.Failed, counts.Foreign)
	}
	return nil
}

// span is the time of an alert's events.
func span(one *alertlog.Alert) (from, to time.Time) {
	var document struct {
		Tripline struct {
			Alert struct {
				Sequence []*struct {
					Time time.Time `json:"@timestamp"`
				} `json:"sequence"`
			} `json:"alert"`
		} `json:"tripline"`
	}
	from, to = one.Time, one.Time
	if json.Unmarshal(one.JSON, &document) != nil {
		return from, to // the alert's own time is what there is
	}
	for _, event := range document.Tripline.Alert.Sequence {
		if event != nil && !event.Time.IsZero() && event.Time.Before(from) {
			from = event.Time
		}
	}
	return from, to
}

func (e *exporter) note(format string, values ...any) {
	e.manifest.Notes = append(e.manifest.Notes, fmt.Sprintf(format, values...))
}

// readEvents spools the events around the alerts.
func (e *exporter) readEvents(ctx context.Context) error {
	if len(e.options.EventFiles) == 0 {
		e.note("there is no event log: the events around the alerts are missing")
		return nil
	}
	reader, err := alertlog.NewEventReader(func(at int64) bool { return e.windows.has(at) }, e.options.Report)
	if err != nil {
		return err
	}
	err = reader.Each(ctx, e.options.EventFiles, func(document []byte) error {
		e.manifest.Events++
		return e.events.line(document)
	})
	if counts := reader.Counts(); counts.Failed > 0 || counts.Foreign > 0 {
		e.note("%d event files could not be read to their end, %d of their lines are no event", counts.Failed, counts.Foreign)
	}
	return err
}

// write writes the archive from what was gathered.
func (e *exporter) write(to io.Writer) error {
	out := newArchive(to, e.manifest.Made)
	var rules []string
	for _, id := range slices.Sorted(maps.Keys(e.rules)) {
		if e.options.Rules[id] == nil {
			e.note("the rule %q is not among the rules of this host", id)
			continue
		}
		rules = append(rules, id)
	}
	e.manifest.Rules = len(rules)
	public, err := encodePublic(e.options.Key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	manifest, err := encode(e.manifest)
	if err != nil {
		return err
	}
	host, err := encode(e.options.Host)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return out.putText(nameManifest, manifest) },
		func() error { return out.putText(nameHost, host) },
		func() error { return out.putFile(nameAlerts, e.alerts) },
		func() error { return out.putFile(nameEvents, e.events) },
	}
	for _, id := range rules {
		steps = append(steps, func() error { return out.putText(rulesFolder+"/"+ruleFile(id), string(e.options.Rules[id])) })
	}
	steps = append(steps,
		func() error { return out.putText(namePublicKey, string(public)) },
		func() error { return out.sign(e.options.Key) },
	)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func encode(value any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("writing the archive: %w", err)
	}
	return text.String(), nil
}

// ruleFile is the name of a rule's file. A rule_id that is no name is encoded.
func ruleFile(id string) string {
	name := id + ".toml"
	if !goodPart(name) || strings.HasPrefix(id, "hex-") {
		const longest = 100
		name = "hex-" + hex.EncodeToString([]byte(id[:min(len(id), longest)])) + ".toml"
	}
	return name
}
