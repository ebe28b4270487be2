// Package notify tells the service manager that started the sensor what the
// sensor is doing (sd_notify(3)).
package notify

import (
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Manager is the service manager. Its methods may be called from any goroutine.
type Manager struct {
	watchdog time.Duration
}

// FromEnvironment finds the service manager by the environment variables that it
// sets for a service (NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID). Where none
// started this process the methods of what it returns do nothing. Only a watchdog
// time that is no number is an error.
func FromEnvironment() (*Manager, error) {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("reading the service manager's watchdog time: %w", err)
	}
	return &Manager{watchdog: watchdog}, nil
}

// Watchdog is the time without a sign of life after which the manager ends the
// service; 0 where it does not look.
func (m *Manager) Watchdog() time.Duration { return m.watchdog }

// Ready says that the sensor watches, with a sentence for people.
func (m *Manager) Ready(status string) error {
	return send(daemon.SdNotifyReady + "\nSTATUS=" + status)
}

// Reloading says that rules are being read again; Ready ends that.
func (m *Manager) Reloading() error {
	return send(daemon.SdNotifyReloading)
}

// Stopping says that the sensor ends and puts back what it changed.
func (m *Manager) Stopping() error { return send(daemon.SdNotifyStopping) }

// Alive is the sign of life for the watchdog.
func (m *Manager) Alive() error { return send(daemon.SdNotifyWatchdog) }

// send sends one state. That nobody listens is no error.
func send(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("telling the service manager: %w", err)
	}
	return nil
}
