package config

import (
	"errors"
	"os"
	"slices"
	"syscall"
)

// checkPaths adds paths that can never work as the host is: a folder where a file
// has to be, a file where a folder has to be. What is not there yet is no defect: the
// sensor makes it.
func (p *problems) checkPaths(c *Config) {
	p.file(c.Output.Alerts.Path, "output", "alerts", "path")
	p.file(c.Output.Events.Path, "output", "events", "path")
	p.file(c.Evidence.Connections, "evidence", "connections")
	p.file(c.Metrics.Textfile, "metrics", "textfile")
	p.file(c.Control.Socket, "control", "socket")
	if c.Output.remote() {
		p.folder(c.Output.Spool.Folder, "output", "spool", "folder")
	}
}

func (p *problems) file(path string, key ...string) {
	p.kind(path, "is a folder: "+path, "name a file in it", func(info os.FileInfo) bool { return !info.IsDir() }, key)
}

func (p *problems) folder(path string, key ...string) {
	p.kind(path, "is no folder: "+path, "", os.FileInfo.IsDir, key)
}

// kind adds a problem where a path has something that is not of the kind that is
// wanted, unless the setting has one already.
func (p *problems) kind(path, message, hint string, wanted func(os.FileInfo) bool, key []string) {
	if path == "" || slices.ContainsFunc(*p, func(one problem) bool { return slices.Equal(one.key, key) }) {
		return
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		p.add("lies below something that is no folder: "+path, "", key...)
	case err == nil && !wanted(info):
		p.add(message, hint, key...)
	}
}
