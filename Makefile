# Everything that this installs or builds lives in .venv and reports/out. A second run of any target starts at once.

VENV     := .venv
PY       := $(VENV)/bin/python
STAMP    := $(VENV)/.stamp-python
FRONTEND := fixtures/reference_chat/frontend

# Python keeps the compiled form of each module (in __pycache__). Where the environment forbids that, every process
# compiles about 1,150 modules again: judging a small recorded run took 9.7 s of CPU instead of 4.7 s.
unexport PYTHONDONTWRITEBYTECODE

# npm and its scripts find the Node of the virtual environment.
WITH_NODE := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

# Runs a module with the variables of make's command line (CHATS=40) as its options (--chats 40); ARGS come after them.
# Variables of the caller's environment are no options.
WITH_OPTIONS := $(PY) -m e2e.plugin.settings.from_make

# Lines of workflows may be long, and "on" is a key there.
YAML := {extends: default, rules: {line-length: {max: 160}, truthy: {check-keys: false}, document-start: disable, \
  comments: {min-spaces-from-content: 1}, braces: {max-spaces-inside: 1}}}

.DEFAULT_GOAL := help
.PHONY: help chaos setup setup-chainlit setup-products targets e2e discover record doctor login test test-quick test-all chat lint lock report open gate bench matrix calibrate dry-run dry-run-cluster rehearse \
  clean distclean \
  shard judge site-pull site-push notify outcome pull-request all-passed

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z0-9-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  make e2e and make shard take each option of the suite as a variable, CHATS=40 for --chats 40, and ARGS= for pytest:'
	@echo '      make e2e CHATS=40 LANES=8 FAULT=stale-state ARGS="--headed -x"'
	@echo '  All options: $(PY) -m pytest e2e/specs --help'

setup: $(STAMP) ## install all that is needed: Python packages, a browser, Allure, the reference frontend
	@$(PY) -m e2e.setup all

# The report is built after a failure and after Ctrl-C too (hence the trap). Exit code 4 means that pytest refused an
# option: nothing was recorded, and the report of an earlier run must not look like that of this one.
e2e: $(STAMP) ## run the regression suite and build its report
	@$(PY) -m e2e.setup all --quiet --for '$(BROWSER) $(subst ','',$(ARGS))'
	@trap : INT; status=0; \
	$(WITH_OPTIONS) pytest e2e/specs -- $(ARGS) || status=$$?; \
	if [ $$status -ne 4 ]; then \
	  $(PY) -m e2e report $(if $(OUT),--out '$(OUT)') || [ $$status -ne 0 ] || status=1; \
	fi; \
	exit $$status

discover: need-URL $(STAMP) ## propose a profile for the chat at URL= (OUT=acme.toml: write it there)
	@$(PY) -m e2e.setup browser --quiet
	@$(PY) -m e2e discover '$(URL)' $(if $(OUT),--out '$(OUT)') $(ARGS)

record: need-URL $(STAMP) ## show the chat at URL= in a browser window, and get its profile (OUT=acme.toml)
	@$(PY) -m e2e.setup browser --quiet
	@$(PY) -m e2e record '$(URL)' $(if $(OUT),--out '$(OUT)') $(ARGS)

# A set-up that fails is a finding for the doctor, not an end.
doctor: $(STAMP) ## check this machine, and the profile TARGET= with two chats (BASE_URL=)
	@for step in browser allure $(if $(filter reference,$(TARGET)),frontend); do $(PY) -m e2e.setup $$step --quiet || true; done
	@$(PY) -m e2e doctor $(if $(TARGET),--target '$(TARGET)') $(if $(BASE_URL),--base-url '$(BASE_URL)') $(ARGS)

login: need-TARGET $(STAMP) ## sign in to TARGET= in a browser window, and save the state for later runs
	@$(PY) -m e2e.setup browser --quiet
	@$(PY) -m e2e login --target '$(TARGET)' $(if $(BASE_URL),--base-url '$(BASE_URL)') $(ARGS)

setup-chainlit: $(STAMP) ## install Chainlit too, a public chat product to try the suite on (make e2e TARGET=chainlit)
	@$(PY) -m e2e.setup chainlit

setup-products: $(STAMP) ## install the public products that have a target here (PRODUCT=streamlit: only that one)
	@$(PY) -m e2e.setup $(or $(PRODUCT),products)

targets: $(STAMP) ## list the targets that ship: product, version, what is judged, how to start it
	@$(PY) -m e2e targets

# Whole files go to the workers, in the order of e2e/selftest/conftest.py: what a file's tests share is made once.
# With two cores, three: a worker waits for its browser a third of its time.
WORKERS   ?= 3
SELF_TEST  = $(PY) -m pytest --timeout=300 --durations=15 --output=reports/out/playwright-selftest \
  -n '$(WORKERS)' --dist loadfile --no-loadscope-reorder

test: $(STAMP) ## test the suite itself (WORKERS=3: side by side; 0: one after the other)
	@$(PY) -m e2e.setup all --quiet --for firefox
	@status=0; \
	$(WITH_NODE) npm --prefix $(FRONTEND) --silent test || status=$$?; \
	$(SELF_TEST) e2e/selftest -m 'not long' $(ARGS) || status=$$?; \
	exit $$status

test-quick: $(STAMP) ## the self tests that need no browser
	@$(PY) -m e2e.setup all --quiet
	@$(SELF_TEST) e2e/selftest/unit e2e/selftest/integration -m 'not long' $(ARGS)

test-all: $(STAMP) ## every self test: the whole matrix, Chainlit and simulated nightly runs too
	@$(PY) -m e2e.setup all --quiet --for firefox
	@$(PY) -m e2e.setup chainlit --quiet || echo 'the tests that need Chainlit are skipped' >&2
	@$(PY) -m e2e.setup products --quiet || echo 'the tests that need a public product are skipped' >&2
	@status=0; \
	$(WITH_NODE) npm --prefix $(FRONTEND) --silent test || status=$$?; \
	$(SELF_TEST) e2e/selftest $(ARGS) || status=$$?; \
	exit $$status

chat: $(STAMP) ## start the reference chat, to try it in a browser (FAULT= ID_PATTERN= TRANSPORT= STORE= ROTATION= PORT=)
	@$(PY) -m e2e.setup frontend --quiet
	@$(WITH_OPTIONS) fixtures.reference_chat --reply-ms 300 --chunk-ms 60 -- $(ARGS)

lint: $(STAMP) ## check style and types of the whole tree
	@$(PY) -m e2e.setup frontend --quiet
	@status=0; \
	$(PY) -m ruff check . || status=1; \
	$(PY) -m ruff format --check . || status=1; \
	$(PY) -m mypy || status=1; \
	$(WITH_NODE) $(FRONTEND)/node_modules/.bin/tsc --noEmit -p $(FRONTEND) || status=1; \
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml || status=1; \
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml || status=1; \
	$(VENV)/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml || status=1; \
	$(VENV)/bin/yamllint --strict -d '$(YAML)' .github || status=1; \
	$(VENV)/bin/zizmor --quiet --offline --no-progress .github || status=1; \
	exit $$status

# The header of a lock names this target instead of a command line with the paths of one machine.
lock: $(STAMP) ## renew the lock files (UPGRADE=1: take newer versions)
	@$(VENV)/bin/uv pip compile pyproject.toml --quiet --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) -o requirements.lock
	@$(VENV)/bin/uv pip compile fixtures/chainlit_echo/requirements.in --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) \
	  -o fixtures/chainlit_echo/requirements.lock
	@for folder in reports $(FRONTEND); do \
	  $(WITH_NODE) npm --prefix $$folder --loglevel=error $(if $(UPGRADE),update,install) --package-lock-only \
	    --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved >/dev/null || exit 1; \
	done

report: $(STAMP) ## build the report of the last run again (OUT=)
	@$(PY) -m e2e.setup allure --quiet
	@$(PY) -m e2e report $(if $(OUT),--out '$(OUT)') $(ARGS)

open: $(STAMP) ## serve the last report, and print its address (OUT=)
	@$(PY) -m e2e open $(if $(OUT),--out '$(OUT)') $(ARGS)

gate: $(STAMP) ## decide after make e2e whether the release may go out, with reasons (OUT=)
	@$(PY) -m e2e.setup allure --quiet
	@$(PY) -m e2e gate $(if $(OUT),--out '$(OUT)')

dry-run: $(STAMP) ## try the nightly workflow here: three runs with three shards each, a site, a webhook (OUT=)
	@$(PY) -m e2e.setup all --quiet
	@$(PY) -m e2e dry-run $(if $(OUT),--out '$(OUT)') $(ARGS)

dry-run-cluster: $(STAMP) ## try the Kubernetes Jobs here: local processes, a local S3 server, a killed shard (OUT=)
	@$(PY) -m e2e.setup all --quiet
	@$(PY) -m e2e dry-run-cluster $(if $(OUT),--out '$(OUT)') $(ARGS)

rehearse: ## earlier name of dry-run
	@echo 'note: `make rehearse` is now `make dry-run`' >&2
	@$(MAKE) --no-print-directory dry-run

# Steps of the workflows in .github/workflows: each is a target, so that it can be tried on any machine.

shard: need-SHARD $(STAMP) ## record one shard of a run (TARGET= CHATS= LANES= SHARD=2/3)
	@$(PY) -m e2e.setup all --quiet
	@$(WITH_OPTIONS) pytest e2e/specs -- $(ARGS)

judge: need-INCOMING need-SITE $(STAMP) ## judge what the shards recorded below INCOMING=, and publish it to SITE=
	@$(PY) -m e2e.setup allure --quiet
	@$(PY) -m e2e nightly --incoming '$(INCOMING)' --site '$(SITE)' $(if $(SITE_URL),--url '$(SITE_URL)') $(if $(OUT),--out '$(OUT)')

site-pull: need-SITE $(STAMP) ## fetch SITE= from the branch gh-pages of REMOTE=
	@$(PY) -m e2e pull --site '$(SITE)' $(if $(REMOTE),--remote '$(REMOTE)')

site-push: need-SITE $(STAMP) ## push SITE= to the branch gh-pages of REMOTE=
	@$(PY) -m e2e push --site '$(SITE)' $(if $(REMOTE),--remote '$(REMOTE)')

notify: need-SITE $(STAMP) ## post to CHAT_E2E_WEBHOOK, if set, when the last run on SITE= changed the state of a target
	@if [ -n "$$CHAT_E2E_WEBHOOK" ]; then \
	  $(PY) -m e2e notify --history '$(SITE)/history' $(if $(SITE_URL),--url '$(SITE_URL)'); \
	else echo 'CHAT_E2E_WEBHOOK is not set: nothing is posted'; fi

outcome: $(STAMP) ## print the last run's outcome, and write it to GITHUB_OUTPUT (OUT=)
	@line=$$($(PY) -m e2e outcome $(if $(OUT),--out '$(OUT)')) && echo "$$line" | tee -a "$${GITHUB_OUTPUT:-/dev/null}"

pull-request: $(STAMP) ## write the last run's summary as comment of PULL= and as status of COMMIT=
	@$(PY) -m e2e pull-request $(if $(PULL),--number '$(PULL)') $(if $(COMMIT),--commit '$(COMMIT)') \
	  $(if $(LINK),--link '$(LINK)') $(if $(OUT),--out '$(OUT)')

all-passed: need-RESULTS ## fail unless all RESULTS= are "success"
	@for result in $(RESULTS); do [ "$$result" = success ] || { echo "a job ended with: $$result" >&2; exit 1; }; done

bench: $(STAMP) ## measure the cost of one chat; SCALE=100000: of judging so many recorded chats (OUT=)
	@$(PY) -m e2e.setup all --quiet
	@$(PY) -m e2e bench $(if $(SCALE),--scale '$(SCALE)') $(if $(OUT),--out '$(OUT)') $(ARGS)

matrix: $(STAMP) ## run every fault of the reference chat: each must be named, and no other (FAULT= TRANSPORT= STORE= SEED= LOAD= OUT=)
	@$(PY) -m e2e.setup all --quiet
	@$(PY) -m e2e matrix $(foreach fault,$(FAULT),--fault '$(fault)') \
	  $(if $(TRANSPORT),--transport '$(TRANSPORT)') $(if $(STORE),--store '$(STORE)') \
	  $(if $(ID_FORMAT),--id-format '$(ID_FORMAT)') $(if $(ROTATION),--rotation '$(ROTATION)') \
	  $(if $(ID_PATTERN),--id-pattern '$(ID_PATTERN)') $(if $(SEED),--seed '$(SEED)') \
	  $(if $(CHATS),--chats '$(CHATS)') $(if $(LANES),--lanes '$(LANES)') $(if $(LOAD),--load '$(LOAD)') \
	  $(if $(OUT),--out '$(OUT)') $(ARGS)

chaos: $(STAMP) ## run the suite under drawn faults for MINUTES=20: each run must end right or with the true reason (SEED= RUN= FAULT= OUT=)
	@$(PY) -m e2e.setup all --quiet
	@$(PY) -m e2e chaos $(if $(MINUTES),--minutes '$(MINUTES)') $(if $(RUNS),--runs '$(RUNS)') $(if $(SEED),--seed '$(SEED)') \
	  $(if $(RUN),--run '$(RUN)') $(foreach fault,$(FAULT),--fault '$(fault)') $(if $(OUT),--out '$(OUT)') $(ARGS)

calibrate: $(STAMP) ## measure false alarms and power of the statistical checks on simulated campaigns (OUT=)
	@$(PY) -m e2e calibrate $(if $(OUT),--out '$(OUT)') $(ARGS)

clean: ## remove the output of runs and builds; .venv stays
	@for path in reports/out $(VENV)/reference_chat $(FRONTEND)/dist $(FRONTEND)/.dist-* $(FRONTEND)/coverage .hypothesis; do \
	  if [ -e "$$path" ]; then rm -rf "$$path" && echo "removed $$path"; fi; \
	done
	@find e2e fixtures reports -name node_modules -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
	@rm -rf __pycache__

distclean: clean ## remove .venv and the npm packages too, as if freshly cloned
	@for path in $(VENV) $(FRONTEND)/node_modules reports/node_modules; do \
	  if [ -e "$$path" ] || [ -L "$$path" ]; then rm -rf "$$path" && echo "removed $$path"; fi; \
	done

# A target that lists need-NAME stops at once when NAME= is missing, before anything is installed.
EXAMPLE_URL      := https://chat.example.org/
EXAMPLE_TARGET   := acme.toml
EXAMPLE_SHARD    := 2/3
EXAMPLE_INCOMING := incoming
EXAMPLE_SITE     := site
EXAMPLE_RESULTS  := "success success"

need-%:
	@[ -n '$($*)$(CHAT_E2E_$*)' ] || { printf 'error: %s= is missing\n  hint: make %s %s\n' '$*' '$(firstword $(MAKECMDGOALS))' '$*=$(EXAMPLE_$*)' >&2; exit 2; }

$(STAMP): requirements.lock
	@for python in $(or $(PYTHON),$(PY) python3 python3.14 python3.13 python3.12 python3.11 python); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    exec "$$python" -m e2e.setup.venv; \
	  fi; \
	done; \
	echo 'The suite needs Python 3.11 or newer, and found none$(if $(PYTHON), at $(PYTHON)). Name one: PYTHON=/path/to/python3 make setup' >&2; \
	exit 1
