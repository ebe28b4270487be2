package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestOutputDefects(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		want       []string
	}{
		{"files", `[output.alerts]
path = "/x/same"
max_size = "1KiB"
max_age = "3s"
keep = -1
[output.events]
path = "/x/../x/same"`, []string{
			`3:12: output.alerts.max_size must be at least 64KiB, not 1KiB; 0 means no limit`,
			`4:11: output.alerts.max_age must be at least 1m, not 3s; "0s" means no limit`,
			`5:8: output.alerts.keep must be between 0 and 100000, not -1; 0 keeps all`,
			`7:8: output.events.path is the file of the alerts too; choose another for the events`,
		}},
		{"syslog", `[output.syslog]
address = "logs.example"
facility = "demon"
max_message = "10B"
[output.syslog.tls]
ca_file = "/nowhere/ca.pem"
key = "/nowhere/key.pem"`, []string{
			`2:11: output.syslog.address is not an address: "logs.example"; write unix:///dev/log, udp://host:514, tcp://host:601 or tls://host:6514`,
			`3:12: output.syslog.facility must be one of kern, user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, ntp, audit, alert, clock, local0, local1, local2, local3, local4, local5, local6, local7, not "demon"; did you mean "daemon"?`,
			`4:15: output.syslog.max_message must be between 1KiB and 16MiB, not 10B`,
			`6:11: output.syslog.tls.ca_file names a file that cannot be read: /nowhere/ca.pem: no such file or directory`,
			`7:7: output.syslog.tls.key is given without certificate; a client certificate needs both`,
		}},
		{"TLS settings beside an address without TLS", `output.syslog.address = "tcp://logs.example:601"
output.syslog.tls.server_name = "logs"
output.elasticsearch.urls = ["http://127.0.0.1:9200"]
output.elasticsearch.tls.server_name = "elastic"`, []string{
			`2:33: output.syslog.tls.server_name is given, and nothing is encrypted; write tls:// in output.syslog.address, or leave it out`,
			`4:40: output.elasticsearch.tls.server_name is given, and nothing is encrypted; write https:// in output.elasticsearch.urls, or leave it out`,
		}},
		{"folders and files in one another's place", `output.alerts.path = "` + folder + `"
output.events.path = "` + empty + `/events.ndjson"
evidence.connections = "` + folder + `"
output.syslog.address = "tcp://logs.example:601"
output.spool.folder = "` + empty + `"`, []string{
			`1:22: output.alerts.path is a folder: ` + folder + `; name a file in it`,
			`2:22: output.events.path lies below something that is no folder: ` + empty + `/events.ndjson`,
			`3:24: evidence.connections is a folder: ` + folder + `; name a file in it`,
			`5:23: output.spool.folder is no folder: ` + empty,
		}},
		{"a host without a port", "output.syslog.address = 'tls://logs.example'", []string{
			`1:25: output.syslog.address must have a host and a port and nothing else; write unix:///dev/log, udp://host:514, tcp://host:601 or tls://host:6514`,
		}},
		{"a relative socket", "output.syslog.address = 'unix://dev/log'", []string{
			`1:25: output.syslog.address must name a socket by its whole path; write unix:///dev/log, udp://host:514, tcp://host:601 or tls://host:6514`,
		}},
		{"elasticsearch", `[output.elasticsearch]
urls = ["https://good:9200", "elastic:9200", "http://elastic:9200", "https://user:secret@elastic"]
api_key = "id:secret"
api_key_file = "` + empty + `"
[output.elasticsearch.tls]
ca_file = "` + empty + `"
[output.spool]
folder = ""
max_size = "1KiB"`, []string{
			`2:30: output.elasticsearch.urls[1] is not the URL of a node: "elastic:9200"; write https://host:9200`,
			`2:46: output.elasticsearch.urls[2] would carry the API key over the network for everybody to read; write https://`,
			`2:69: output.elasticsearch.urls[3] holds a name or password; write api_key or api_key_file`,
			`4:16: output.elasticsearch.api_key_file is given beside api_key; leave one of them out`,
			`4:16: output.elasticsearch.api_key_file names an empty file: ` + empty + `; write the API key into it`,
			`6:11: output.elasticsearch.tls.ca_file names a file without a certificate: ` + empty + `; it must hold certificates in PEM form`,
			`8:10: output.spool.folder is empty; a remote receiver needs a folder on the disk, such as "/var/lib/tripline/spool"`,
			`9:12: output.spool.max_size must be at least 1MiB, not 1KiB`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := write(t, test.text)
			_, err := Load(file)
			var got []string
			for _, one := range flatten(err) {
				got = append(got, strings.TrimPrefix(one.Error(), file+":"))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestOutputsThatAreRight(t *testing.T) {
	for _, text := range []string{
		"output.syslog.address = 'unix:///dev/log'", "output.syslog.address = 'udp://[::1]:514'",
		"output.syslog.address = 'tcp://logs.example:601'", "output.elasticsearch.urls = ['http://localhost:9200']\noutput.elasticsearch.api_key = 'x'",
	} {
		if _, err := Load(write(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSecretIsNotShown(t *testing.T) {
	for _, text := range []string{Secret("hunter2").String(), Secret("hunter2").GoString()} {
		if strings.Contains(text, "hunter2") {
			t.Error(text)
		}
	}
}
