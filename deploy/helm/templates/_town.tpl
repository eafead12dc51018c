{{- define "town.labels" -}}
app.kubernetes.io/name: {{ .app }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: secondhand-trade
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- /* What never changes of a pod's labels, to select it by. */ -}}
{{- define "town.selector" -}}
app.kubernetes.io/name: {{ .app }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "town.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .group }}
fsGroup: {{ .group }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "town.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* A trial's Kafka by its full name, which is found from KEDA's namespace, too. */ -}}
{{- define "town.brokers" -}}
{{ if .Values.trial.enabled }}kafka.{{ .Release.Namespace }}.svc.{{ .Values.dapr.clusterDomain }}:9092{{ else }}{{ .Values.kafka.brokers }}{{ end }}
{{- end }}

{{- define "town.redis" -}}
{{ if .Values.trial.enabled }}redis:6379{{ else }}{{ .Values.redis.address }}{{ end }}
{{- end }}

{{- define "town.topics" -}}
{{- $topics := list -}}
{{- range $path, $_ := .root.Files.Glob "components/subscriptions-*.yaml" -}}
{{- range regexSplit "(?m)^---\\s*$" ($.root.Files.Get $path) -1 -}}
{{- $subscription := fromYaml . -}}
{{- if has $.app ($subscription.scopes | default list) -}}
{{- $topics = append $topics $subscription.spec.topic -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ $topics | uniq | sortAlpha | toJson }}
{{- end }}

{{- /* Actors move with every pod that comes or goes: up at once, down one by one. */ -}}
{{- define "town.behavior" -}}
scaleDown:
  stabilizationWindowSeconds: 300
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}

{{- /* What is unsafe is refused, in one sentence that says what to do. */ -}}
{{- define "town.refusals" -}}
{{- $v := .Values -}}
{{- if not $v.image.registry }}{{ fail "image.registry is empty: name the registry the town's images were pushed to." }}{{ end -}}
{{- if or (not $v.image.tag) (eq ($v.image.tag | toString) "latest") }}{{ fail "image.tag is empty or latest, which cannot be rolled back to: name a version." }}{{ end -}}
{{- if and (eq $v.auth.mode "open") (not $v.auth.openToEveryone) }}{{ fail "auth.mode is open, so anyone may act as anyone: say auth.openToEveryone=true if that is wanted, or set auth.mode=oidc." }}{{ end -}}
{{- if and (eq $v.auth.mode "oidc") (or (not $v.auth.authority) (not $v.auth.audience)) }}{{ fail "auth.mode is oidc without auth.authority or auth.audience: name both, as the sign-in server knows them." }}{{ end -}}
{{- if and (eq $v.auth.mode "oidc") (not (hasPrefix "https://" $v.auth.authority)) }}{{ fail "auth.authority is not an https address, so its keys could be forged: name one that is." }}{{ end -}}
{{- if not $v.secrets.apiToken }}{{ fail "secrets.apiToken is empty, so whoever reaches a sidecar may use it: name a Secret with a key token." }}{{ end -}}
{{- if not $v.secrets.appToken }}{{ fail "secrets.appToken is empty, so whoever reaches an app may send it events: name a Secret with a key token." }}{{ end -}}
{{- if $v.trial.enabled -}}
{{- if or $v.kafka.brokers $v.redis.address }}{{ fail "trial.enabled brings its own Kafka and Redis, yet kafka.brokers or redis.address names another: choose one." }}{{ end -}}
{{- else -}}
{{- if or (not $v.kafka.brokers) (not $v.redis.address) }}{{ fail "kafka.brokers or redis.address is empty: name both, or set trial.enabled=true to try the town with small ones." }}{{ end -}}
{{- if and (eq $v.kafka.authType "password") (or (not $v.kafka.passwordSecret) (not $v.kafka.username)) }}{{ fail "kafka.authType is password without kafka.username or kafka.passwordSecret: name both, or say kafka.authType=none." }}{{ end -}}
{{- if and (eq $v.kafka.authType "none") $v.kafka.tls }}{{ fail "kafka.authType is none, and then Dapr speaks to Kafka without TLS whatever kafka.tls says: say kafka.tls=false if that is wanted, or set kafka.authType=password." }}{{ end -}}
{{- end -}}
{{- if not $v.redis.passwordSecret }}{{ fail "redis.passwordSecret is empty, so whoever reaches Redis may rewrite the town's money: name a Secret with a key password." }}{{ end -}}
{{- if lt (int $v.scaling.max) (int $v.scaling.min) }}{{ fail "scaling.max is less than scaling.min, which no autoscaler takes: raise the one or lower the other." }}{{ end -}}
{{- range $app, $service := $v.services -}}
{{- range $caller := concat (keys $service.callers) $service.direct -}}
{{- if not (hasKey $v.services $caller) }}{{ fail (printf "services.%s may be called by %s, which is no service: correct the name." $app $caller) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* Where a service that is public serves /metrics, since it must not on a port that people reach; neither its Service nor the ingress leads there. */ -}}
{{- define "town.metricsPort" -}}9464{{- end }}

{{- /* Whose /metrics are read: of those who are public (operator In), or of the others (NotIn). A list of names must not be empty. */ -}}
{{- define "town.scraped" -}}
{{- $public := list }}
{{- range $app, $service := .root.Values.services }}{{ if $service.public }}{{ $public = append $public $app }}{{ end }}{{ end -}}
matchLabels:
  app.kubernetes.io/instance: {{ .root.Release.Name }}
  secondhand-trade/service: "true"
matchExpressions:
  - {key: app.kubernetes.io/name, operator: {{ .operator }}, values: {{ $public | default (list "nobody") | toJson }}}
{{- end }}

{{- /* The ways to Redis for who keeps something there, to Kafka for who has a store. Addresses outside are names, which no rule can hold: without peers only the port is held. */ -}}
{{- define "town.toStores" -}}
{{- if .Values.trial.enabled -}}
{{- range $app, $port := ternary (dict "kafka" 9092 "redis" 6379) (dict "redis" 6379) .kafka }}
- to:
    - podSelector:
        matchLabels: {{- include "town.selector" (dict "app" $app "root" $) | nindent 10 }}
  ports:
    - {protocol: TCP, port: {{ $port }}}
{{- end }}
{{- else -}}
{{- $redis := dict .Values.redis.address .Values.redis.peers }}
{{- range $addresses, $peers := ternary (merge (dict .Values.kafka.brokers .Values.kafka.peers) $redis) $redis .kafka }}
{{- $ports := list }}
{{- range splitList "," $addresses }}{{ $ports = append $ports (splitList ":" . | last) }}{{ end }}
- ports:
    {{- range $ports | uniq }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with $peers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
