package sensor

import (
	"bytes"
	"context"
	"encoding/json"

	"tripline/sensor/controlsocket"
	"tripline/sensor/metrics"
)

// The resources of the control socket.
const (
	// StatusResource answers with a status.Status as JSON.
	StatusResource = "/status"
	// MetricsResource answers with the same in the text format of Prometheus.
	MetricsResource = "/metrics"
)

// serveStatus answers on the control socket and writes the metrics file until ctx
// ends. The returned channel is closed when that has ended. That one of them cannot
// be had is said and ends nothing.
func (s *Sensor) serveStatus(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	if s.options.Passive {
		close(ended) // the running sensor does it
		return ended
	}
	s.report.publishRules()
	cfg := s.options.Config
	if cfg.Metrics.Textfile != "" && !s.options.Once {
		s.report.textfile = &textfileWriter{
			file: metrics.Textfile{Path: cfg.Metrics.Textfile}, interval: cfg.Metrics.Interval.Std(), log: s.options.Log,
		}
	}
	if cfg.Control.Socket != "" {
		server, err := controlsocket.Listen(controlsocket.Options{Path: cfg.Control.Socket, Resources: s.statusResources(), Log: s.options.Log})
		if err != nil {
			s.options.Log.Warn("tripline status will not work", "error", err)
		}
		s.report.server.Store(server)
	}
	go func() {
		defer close(ended)
		if s.report.textfile != nil {
			s.report.textfile.run(ctx, func() []metrics.Family { return s.report.status(ctx).Metrics() })
		}
		<-ctx.Done()
		if server := s.report.server.Load(); server != nil {
			if err := server.Close(); err != nil {
				s.options.Log.Warn("the control socket", "error", err)
			}
		}
	}()
	return ended
}

// statusResources are what the control socket answers with.
func (s *Sensor) statusResources() map[string]controlsocket.Resource {
	return map[string]controlsocket.Resource{
		StatusResource: func(ctx context.Context) (controlsocket.Answer, error) {
			var text bytes.Buffer
			encoder := json.NewEncoder(&text)
			encoder.SetEscapeHTML(false)
			err := encoder.Encode(s.report.status(ctx))
			return controlsocket.Answer{ContentType: "application/json", Body: text.Bytes()}, err
		},
		MetricsResource: func(ctx context.Context) (controlsocket.Answer, error) {
			var text bytes.Buffer
			err := metrics.Write(&text, s.report.status(ctx).Metrics())
			return controlsocket.Answer{ContentType: metrics.ContentType, Body: text.Bytes()}, err
		},
	}
}
