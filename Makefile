# Needs Go, git and make; everything else is fetched as Go modules. "make help"
# lists the targets.

GO       ?= go
ARGS     ?=
FUZZTIME ?= 30s
# What a release is built for.
ARCHS    ?= amd64 arm64 386

# The archive of vendor-bundle has every module in a folder: nothing is fetched then,
# and go.sum still decides what is right.
ifneq ($(wildcard modules),)
export GOPROXY := file://$(CURDIR)/modules
export GOSUMDB := off
export GOTOOLCHAIN := local
# Before GNU make 4.4 the shell function does not get what is exported.
OFFLINE := GOPROXY="$(GOPROXY)" GOSUMDB=off GOTOOLCHAIN=local
endif

# The version comes from the VERSION file of a source archive or from the git
# tag. Where there is neither, the one in internal/version stands.
VERSION := $(shell cat VERSION 2>/dev/null || git describe --tags --dirty 2>/dev/null | sed s/^v//)

LDFLAGS := -s -w -buildid= $(if $(VERSION),-X tripline/internal/version.Version=$(VERSION))
# Static, and the same bytes wherever it is built. Without HTTP/2, which nobody here
# speaks, the program is smaller by 0.4 MB.
TAGS    := nethttpomithttp2
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags $(TAGS) -ldflags "$(LDFLAGS)"
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint

# Tests and benchmarks that use the machine's audit system are all in this one
# package, so that they never run beside anything else.
LIVE     := ./sensor/live
HAS_LIVE := $(wildcard $(LIVE)/*_test.go)
# Evaluated only by the targets that need it.
PACKAGES  = $(shell $(OFFLINE) $(GO) list ./... | grep -v '/sensor/live$$')

.PHONY: help build build-all packages packages-twice test-packages test-service vendor-bundle test-offline man run test race \
	fuzz bench bench-live bench-peers soak soak-guest test-kernels lint fmt cover clean

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS="$$(printf '\t')" read -r target text; do printf '  %-15s %s\n' "$$target" "$$text"; done

build: ## Build bin/tripline for this machine.
	$(BUILD) -o bin/tripline ./cmd/tripline

build-all: ## Build static binaries for every architecture into dist/.
	@set -e; for arch in $(ARCHS); do \
		echo "dist/tripline-linux-$$arch"; \
		GOOS=linux GOARCH=$$arch $(BUILD) -o dist/tripline-linux-$$arch ./cmd/tripline; \
	done

# A source archive has the file SOURCE_DATE_EPOCH in the place of git's history.
SOURCE_DATE_EPOCH ?= $(shell cat SOURCE_DATE_EPOCH 2>/dev/null || git log -1 --format=%ct 2>/dev/null || echo 0)
# Of a build without a tag or VERSION file it is the program's own.
PACKAGE_VERSION = $(or $(VERSION),$(shell sed -n 's/^var Version = "\(.*\)".*/\1/p' internal/version/version.go))

packages: ## Make .deb and .rpm for every architecture into dist/, with checksums and bills of materials.
	@VERSION="$(PACKAGE_VERSION)" SOURCE_DATE_EPOCH="$(SOURCE_DATE_EPOCH)" GO="$(GO)" packaging/build.sh $(ARCHS)

# In their way through a chroot and a guest the packages are tried by their files in
# dist/; each test says what it lacks here.
test-packages: packages ## Try the packages: scripts, chroots of Debian, an rpm root, lintian, rpmlint (root, debootstrap).
	packaging/test/scripts.sh
	packaging/test/debian.sh $(or $(SUITES),bookworm bullseye xenial)
	packaging/test/rpm.sh
	packaging/test/signing.sh

# Some 10 minutes a guest.
test-service: packages ## Boot guests in qemu with the package installed and try the service; GUESTS="bookworm …".
	packaging/test/service.sh $(or $(GUESTS),bookworm bullseye xenial bookworm-sysv bookworm-busybox)

vendor-bundle: ## Make an archive from which all this can be built and tested without a network.
	@VERSION="$(PACKAGE_VERSION)" SOURCE_DATE_EPOCH="$(SOURCE_DATE_EPOCH)" GO="$(GO)" packaging/bundle.sh

test-offline: packages vendor-bundle ## Build the packages and test from that archive, cut off from the network (root).
	packaging/test/offline.sh

packages-twice: ## Build the packages in two clones of this commit in different folders, and compare them.
	packaging/test/twice.sh

man: ## Write the man pages and the shells' completions into dist/man.
	@rm -rf dist/man
	SOURCE_DATE_EPOCH="$(SOURCE_DATE_EPOCH)" $(GO) run -tags man ./cmd/tripline docs sensor.toml dist/man

run: build ## Build, then watch this host (root); ARGS="--config FILE" is passed on.
	bin/tripline run --selftest $(ARGS)

test: ## Vet and test everything; as root also with the kernel's audit system.
	$(GO) vet ./...
	$(GO) test -timeout 30m $(PACKAGES)
	$(GO) test -tags man -run ManPage ./cmd/tripline
ifneq ($(HAS_LIVE),)
	@[ "$$(id -u)" = 0 ] || echo "Not root: the live tests need the kernel's audit system. Each that is skipped says so:"
	$(GO) test -count=1 -v -timeout 30m $(LIVE)
endif

race: ## Test with the race detector, without the live tests (needs a C compiler).
	@command -v "$$($(GO) env CC)" >/dev/null || { \
		echo "The race detector needs a C compiler, and $$($(GO) env CC) is not installed: install gcc or set CC." >&2; exit 1; }
	CGO_ENABLED=1 $(GO) test -race -timeout 10m $(PACKAGES)

# The minimizing of inputs is bounded because by default it may take up the
# whole FUZZTIME.
fuzz: ## Run each fuzz target for FUZZTIME (30s).
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
			echo "$$(dirname "$$file") $$target"; \
			$(GO) test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" \
				-fuzztime $(FUZZTIME) -fuzzminimizetime 20x; \
		done; \
	done

# The benchmarks' output with a table of aims after it, and JSON beside it: JSON=FILE,
# or in bench/.
BENCHTABLE = $(GO) run ./internal/benchtable -of $(1) -json $(or $(JSON),bench/$(1).json)

bench: build ## Run the benchmarks that need no audit system, one package at a time; a table, and JSON=FILE.
	$(GO) test -p 1 -timeout 60m -run '^$$' -bench . -benchmem $(PACKAGES) | $(call BENCHTABLE,bench) -program bin/tripline

bench-live: ## Measure against the live kernel beside the naive loop (root); a table, and JSON=FILE.
ifeq ($(HAS_LIVE),)
	@echo "$(LIVE) has no benchmarks." >&2; exit 1
else
	@[ "$$(id -u)" = 0 ] || { echo "bench-live changes kernel audit while it runs: run it as root." >&2; exit 1; }
	$(GO) test -count=1 -v -timeout 40m -run '^$$' -bench Live -benchtime 1x $(LIVE) | $(call BENCHTABLE,live)
endif

# Only the programs that others wrote are installed; nothing of them is started but
# for the measurement.
bench-peers: ## Compare with auditd, its tools, LAUREL and go-libaudit (root; installs them from Debian); a table, and JSON=FILE.
	tools/install-test-peers.sh laurel
	BENCH_PEERS=1 $(GO) test -p 1 -count=1 -timeout 60m -run '^$$' -bench Peers -benchtime 1x ./sensor $(LIVE) | $(call BENCHTABLE,peers)

# The record is kept in bench/, with the picture and the table of samples.
SOAK     ?= 1h
SOAKARGS ?=
soak: build ## Soak the sensor on this host for SOAK=1h: floods, pauses, reloads, outages; checks and a plot (root).
	@[ "$$(id -u)" = 0 ] || { echo "soak changes kernel audit while it runs: run it as root." >&2; exit 1; }
	@mkdir -p bench
	CGO_ENABLED=0 $(GO) build -buildvcs=false -o bin/ ./sensor/live/behave ./sensor/live/soak
	@status=0; bin/soak -for $(SOAK) -out bench/soak.ndjson $(SOAKARGS) || status=$$?; \
		bin/soak -draw bench/soak.ndjson -svg bench/soak.svg -csv bench/soak.csv; exit $$status

soak-guest: ## The same in a guest with one processor, a Debian kernel and its own audit, by qemu; leaves this host's alone.
	@mkdir -p bench
	CGO_ENABLED=0 $(GO) build -buildvcs=false -o bin/ ./sensor/live/soak
	@status=0; $(GO) run ./sensor/kernels -suites "$(or $(SUITES),trixie)" -limit 3h -record bench/soak.ndjson \
		-soak "-for=$(SOAK)$(if $(SOAKARGS),$(shell printf ',%s' $(SOAKARGS)))" || status=$$?; \
		bin/soak -draw bench/soak.ndjson -svg bench/soak.svg -csv bench/soak.csv; exit $$status

# KERNELS names kernels to boot by path; without it Debian's are fetched once,
# from this machine's mirror or DEBIAN_MIRROR. SUITES names the releases.
test-kernels: ## Boot kernels in qemu with the sensor inside; KERNELS="/path/bzImage …" for others than Debian's.
	@command -v qemu-system-x86_64 >/dev/null || { \
		echo "test-kernels boots kernels in qemu: install qemu-system-x86 (apt-get install qemu-system-x86)." >&2; exit 1; }
	$(GO) run ./sensor/kernels $(if $(SUITES),-suites "$(SUITES)") $(if $(DEBIAN_MIRROR),-mirror "$(DEBIAN_MIRROR)") $(KERNELS)

lint: ## Run the linters of .golangci.yml (the first time builds them: some minutes).
	$(LINT) run

fmt: ## Format the code as lint wants it.
	$(LINT) fmt

cover: ## Show the test coverage of each function and in all.
	$(GO) test -timeout 5m -coverprofile cover.out $(PACKAGES)
	$(GO) tool cover -func cover.out

clean: ## Remove what was built.
	rm -rf bin dist bench cover.out
