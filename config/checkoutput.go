package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// SyslogFacilities lists the facilities of RFC 5424, section 6.2.1, each at the
// index that is its number.
func SyslogFacilities() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

// checkOutput adds what is wrong with the outputs beyond the limits of single
// settings.
func (p *problems) checkOutput(o *Output) {
	if o.Events.Path != "" && filepath.Clean(o.Events.Path) == filepath.Clean(o.Alerts.Path) {
		p.add("is the file of the alerts too", "choose another for the events", "output", "events", "path")
	}
	p.syslog(&o.Syslog)
	p.elasticsearch(&o.Elasticsearch)
	if o.Spool.Folder == "" && o.remote() {
		p.add("is empty", "a remote receiver needs a folder on the disk, such as \"/var/lib/tripline/spool\"", "output", "spool", "folder")
	}
}

// remote says whether an output needs the spool.
func (o *Output) remote() bool {
	return len(o.Elasticsearch.URLs) > 0 || strings.HasPrefix(o.Syslog.Address, "tcp:") || strings.HasPrefix(o.Syslog.Address, "tls:")
}

// unused refuses settings of TLS beside an address without it: who writes them
// believes that it is encrypted.
func (p *problems) unused(t *TLS, name, hint string) {
	for _, one := range []struct{ key, value string }{
		{"ca_file", t.CAFile}, {"certificate", t.Certificate}, {"key", t.Key}, {"server_name", t.ServerName},
	} {
		if one.value != "" {
			p.add("is given, and nothing is encrypted", hint, "output", name, "tls", one.key)
			return
		}
	}
}

func (p *problems) syslog(s *Syslog) {
	p.tls(&s.TLS, "syslog")
	if s.Address == "" {
		return
	}
	const hint = "write unix:///dev/log, udp://host:514, tcp://host:601 or tls://host:6514"
	at, err := url.Parse(s.Address)
	switch {
	case err != nil || !slices.Contains([]string{"unix", "udp", "tcp", "tls"}, at.Scheme):
		p.add(fmt.Sprintf("is not an address: %q", s.Address), hint, "output", "syslog", "address")
	case at.Scheme == "unix" && (at.Host != "" || at.Path == ""):
		p.add("must name a socket by its whole path", hint, "output", "syslog", "address")
	case at.Scheme != "unix":
		if at.Scheme != "tls" {
			p.unused(&s.TLS, "syslog", "write tls:// in output.syslog.address, or leave it out")
		}
		port, err := strconv.Atoi(at.Port())
		if err != nil || port < 1 || port > 65535 || at.Hostname() == "" || at.Path != "" || at.User != nil || at.RawQuery != "" {
			p.add("must have a host and a port and nothing else", hint, "output", "syslog", "address")
		}
	}
}

func (p *problems) elasticsearch(e *Elasticsearch) {
	p.tls(&e.TLS, "elasticsearch")
	for i, one := range e.URLs {
		at, err := url.Parse(one)
		if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Hostname() == "" || at.RawQuery != "" || at.Fragment != "" {
			p.add(fmt.Sprintf("is not the URL of a node: %q", one), "write https://host:9200", "output", "elasticsearch", "urls", strconv.Itoa(i))
			continue
		}
		if at.User != nil {
			p.add("holds a name or password", "write api_key or api_key_file", "output", "elasticsearch", "urls", strconv.Itoa(i))
		}
		if at.Scheme == "http" && (e.APIKey != "" || e.APIKeyFile != "") && !isLoopback(at.Hostname()) {
			p.add("would carry the API key over the network for everybody to read", "write https://", "output", "elasticsearch", "urls", strconv.Itoa(i))
		}
	}
	if len(e.URLs) > 0 && !slices.ContainsFunc(e.URLs, func(one string) bool { return strings.HasPrefix(one, "https:") }) {
		p.unused(&e.TLS, "elasticsearch", "write https:// in output.elasticsearch.urls, or leave it out")
	}
	if e.APIKey != "" && e.APIKeyFile != "" {
		p.add("is given beside api_key", "leave one of them out", "output", "elasticsearch", "api_key_file")
	}
	if e.APIKeyFile != "" {
		if key, ok := p.read(e.APIKeyFile, "output", "elasticsearch", "api_key_file"); ok && strings.TrimSpace(string(key)) == "" {
			p.add("names an empty file: "+e.APIKeyFile, "write the API key into it", "output", "elasticsearch", "api_key_file")
		}
	}
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// tls reads the files of certificates and keys, so that a mistake shows now and
// not when an alert is due.
func (p *problems) tls(t *TLS, name string) {
	if t.CAFile != "" {
		if data, ok := p.read(t.CAFile, "output", name, "tls", "ca_file"); ok && !x509.NewCertPool().AppendCertsFromPEM(data) {
			p.add("names a file without a certificate: "+t.CAFile, "it must hold certificates in PEM form", "output", name, "tls", "ca_file")
		}
	}
	if t.Certificate == "" && t.Key == "" {
		return
	}
	if t.Certificate == "" || t.Key == "" {
		given, missing := "certificate", "key"
		if t.Certificate == "" {
			given, missing = missing, given
		}
		p.add("is given without "+missing, "a client certificate needs both", "output", name, "tls", given)
		return
	}
	certificate, ok := p.read(t.Certificate, "output", name, "tls", "certificate")
	key, also := p.read(t.Key, "output", name, "tls", "key")
	if !ok || !also {
		return
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		p.add("and key do not make a client certificate: "+strings.TrimPrefix(err.Error(), "tls: "), "", "output", name, "tls", "certificate")
	}
}

// read reads a file that a setting names. That a user without privilege may not
// is no defect: the sensor may.
func (p *problems) read(path string, key ...string) ([]byte, bool) {
	data, err := read(path)
	if err == nil {
		return data, true
	}
	if !errors.Is(err, fs.ErrPermission) || os.Geteuid() == 0 {
		p.add("names a file that cannot be read: "+withoutOperation(err), "", key...)
	}
	return nil, false
}

// withoutOperation leaves the name of the system call out of an error.
func withoutOperation(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Path + ": " + path.Err.Error()
	}
	return err.Error()
}
