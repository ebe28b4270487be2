package sensor

import (
	"context"
	"hash/maphash"
	"os"
	"strings"
	"time"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/health"
	"tripline/sensor/output"
	"tripline/sensor/source"
)

// watchHealth starts to look after the sensor's sight, before the pipeline runs, so
// that no change is missed. The returned channel is closed when that has ended.
func (s *Sensor) watchHealth(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	if s.options.Passive {
		close(ended) // the running sensor does it
		return ended
	}
	from := s.watch.source
	s.report.board = health.NewBoard(s.sayHealth, time.Now)
	watcher := health.NewWatcher(health.Options{
		Host:  &healthHost{sensor: s, seed: maphash.MakeSeed()},
		Board: s.report.board,
		PID:   uint32(os.Getpid()), Owner: from.Mode() == source.Unicast, Key: s.options.Config.Kernel.Key,
		Lost:      s.watch.lostBefore,
		Reinstall: s.options.Config.Health.Reinstall, Reenable: s.options.Config.Health.Reenable,
		Losses:  &s.losses,
		Relayed: from.Mode() == source.Audisp || from.Mode() == source.Tailing,
	})
	if holder := from.Holder(); holder != nil {
		watcher.Daemon = holder.PID
	}
	who := whoReader(normalize.Schema())
	s.pipeline.onConfigChange = changeReader(who, watcher.Changed)
	s.pipeline.ringKey = s.options.Config.Kernel.Key
	s.pipeline.onRing = func(event *normalize.Event) {
		watcher.RingSetUp(health.Ring{Time: time.Unix(0, event.Time()), Who: who(event)})
	}
	if mode := from.Mode(); mode == source.Unicast || mode == source.Multicast {
		s.pipeline.gaps = &health.Gaps{}
	}
	go func() {
		defer close(ended)
		var failure error
		defer func() {
			if failure != nil {
				s.options.Log.Error("watching the sensor's health has stopped", "error", failure)
			}
		}()
		defer recoverInto(&failure)
		watcher.Run(ctx)
	}()
	return ended
}

// whoReader reads from events who caused them.
func whoReader(schema detect.Schema) func(*normalize.Event) health.Who {
	text := func(name string) func(*normalize.Event) string {
		field, known := schema.Field(name)
		return func(event *normalize.Event) string {
			if value := event.Value(field.ID); known && value.Kind() == detect.KindString {
				return strings.Clone(value.Text())
			}
			return ""
		}
	}
	executable, process := text("process.executable"), text("process.name")
	login, name, session := text("user.audit.id"), text("user.audit.name"), text("auditd.session")
	return func(event *normalize.Event) health.Who {
		return health.Who{
			PID: event.PID(), Executable: executable(event), Process: process(event),
			AuditID: login(event), Name: name(event), Session: session(event),
		}
	}
}

// changeReader makes of events about audit's configuration what the watcher
// wants to know.
func changeReader(who func(*normalize.Event) health.Who, tell func(health.Change)) func(*normalize.Event, normalize.ConfigChange) {
	return func(event *normalize.Event, change normalize.ConfigChange) {
		tell(health.Change{
			Time: time.Unix(0, event.Time()), Operation: change.Operation, Key: change.Key,
			Setting: change.Setting, Old: change.Old, New: change.New, Done: change.Done, Who: who(event),
		})
	}
}

// sayHealth hands a health alert to every output and to the program's log.
func (s *Sensor) sayHealth(message health.Message) {
	log, severity := s.options.Log.Error, output.SeverityError
	switch message.Level() {
	case "info":
		log, severity = s.options.Log.Info, output.SeverityInfo
	case "warning":
		log, severity = s.options.Log.Warn, output.SeverityWarning
	}
	args := []any{"health", message.ID, "state", message.State()}
	if who := message.Who.String(); who != "" {
		args = append(args, "by", who)
	}
	log(message.What, args...)
	text, err := message.Document(s.host)
	if err != nil {
		s.reported.warn("a health alert cannot be written", err)
		return
	}
	document := output.Document{JSON: text, Kind: output.KindHealth, Severity: severity, Time: time.Now()}
	if s.options.Text {
		document.Text = message.Text()
	}
	for _, queue := range s.alertsTo {
		queue.Add(document) // a full queue counts it, and is a condition itself
	}
}

// lostBetween says for an alert what records may have been lost in its time.
func (s *Sensor) lostBetween(from, to time.Time) map[string]any {
	sum, kinds := s.losses.Between(from, to)
	if len(kinds) == 0 {
		return nil
	}
	const form = "2006-01-02T15:04:05.000Z"
	return map[string]any{
		"kinds": kinds, "count": sum.Count, "from": sum.From.UTC().Format(form), "to": sum.To.UTC().Format(form),
	}
}
