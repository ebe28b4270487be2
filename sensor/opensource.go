package sensor

import (
	"os"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/sensor/source"
)

// openSource starts to receive in the configured way.
func openSource(cfg config.Kernel, mode source.Mode, control source.Control, logger hclog.Logger) (source.Live, error) {
	return source.Open(source.Options{
		Mode: mode,
		Kernel: source.KernelOptions{
			ReceiveBuffer: int(cfg.ReceiveBuffer), BacklogLimit: cfg.BacklogLimit, Control: control,
			Guard: []string{"/proc/self/exe", source.GuardCommand},
		},
		Log: cfg.Log, AudispSocket: cfg.AudispSocket, Input: os.Stdin,
		Notify: func(what string) { logger.Warn(what) },
	})
}

// announceSource says how records arrive.
func (s *Sensor) announceSource() {
	logger, from := s.options.Log, s.watch.source
	if socket, ok := from.(*source.Kernel); ok {
		room, backlog := socket.ReceiveRoom(), int(s.options.Config.Kernel.BacklogLimit)
		if room < backlog {
			logger.Warn("the receive buffer is smaller than the backlog: bursts may be lost; CAP_NET_ADMIN makes it larger", "records", room, "backlog_limit", backlog)
		} else {
			logger.Debug("the receive buffer has room", "records", room)
		}
	}
	beside := "no audit daemon"
	if holder := from.Holder(); holder != nil {
		beside = holder.Who()
	}
	switch from.Mode() {
	case source.Multicast:
		if from.Holder() == nil {
			logger.Warn("listening by multicast while no audit daemon runs: the kernel prints records to its own log too")
			return
		}
		logger.Info("listening by multicast", "beside", beside)
	case source.Audisp:
		logger.Info("receiving from the audit daemon's dispatcher", "beside", beside)
	case source.Tailing:
		logger.Info("following the audit daemon's log", "file", s.options.Config.Kernel.Log, "beside", beside)
	default:
		logger.Info("receiving from the kernel as its audit daemon")
	}
}

// streamName is what messages call the stream of lines that records arrive in,
// empty where they arrive in messages of the kernel.
func (s *Sensor) streamName() string {
	cfg := s.options.Config.Kernel
	switch {
	case s.watch.source.Mode() == source.Tailing:
		return cfg.Log
	case s.watch.source.Mode() == source.Audisp && cfg.AudispSocket != "":
		return cfg.AudispSocket
	case s.watch.source.Mode() == source.Audisp:
		return "standard input"
	}
	return ""
}
