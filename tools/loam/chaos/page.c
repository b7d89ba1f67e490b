/*
 * page: a run as one HTML page that needs nothing else: figures in a table, and over time what was broken, who led, the
 * rate and the latency. The data stand in it as JSON, in milliseconds since the load began; the script draws them.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/loam/chaos/chaos.h"
#include "tools/loam/json_text.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>loam chaos</title>\n<style>\n"
    ":root{--ink:#1b1f24;--dim:#6b7280;--line:#d9dde3;--paper:#fff;--soft:#f4f5f7}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--dim:#9aa3ad;--line:#343a42;--paper:#15181c;--soft:#1e2227}}\n"
    "body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:24px;max-width:1400px}\n"
    "h1{font-size:20px;margin:0 0 "
    "4px}.dim{color:var(--dim)}.bad{color:#c0262d;font-weight:600}.good{color:#1a7f37;font-weight:600}\n"
    "canvas{width:100%;display:block;cursor:crosshair;border-bottom:1px solid var(--line)}\n"
    "table{border-collapse:collapse;margin:16px 0;font-variant-numeric:tabular-nums}td,th{padding:3px "
    "10px;text-align:right;"
    "border-bottom:1px solid "
    "var(--line)}td:first-child,th:first-child{text-align:left}th{color:var(--dim);font-weight:500}\n"
    "#tip{position:fixed;pointer-events:none;background:var(--soft);border:1px solid var(--line);padding:6px "
    "9px;border-radius:6px;"
    "display:none;white-space:pre;font-size:12px;z-index:2}\n"
    "pre{background:var(--soft);padding:10px;overflow:auto;border-radius:6px}button{font:inherit;margin-right:6px}\n"
    ".lane{color:var(--dim);font-size:12px;margin:10px 0 2px}\n</style></head><body>\n<h1>loam chaos</h1>\n<div "
    "id=\"sum\"></div>\n"
    "<p class=\"dim\">Drag over a part of a lane to look closer; point at it to read. <button id=\"all\">whole "
    "run</button></p>\n"
    "<div class=\"lane\">what was broken</div><canvas id=\"faults\"></canvas>\n"
    "<div class=\"lane\">who led (number: term; grey: nobody)</div><canvas id=\"leaders\"></canvas>\n"
    "<div class=\"lane\">operations a second: ok, <span style=\"color:#c97a00\">failed</span>, <span "
    "style=\"color:#c0262d\">unknown</span></div><canvas id=\"rate\"></canvas>\n"
    "<div class=\"lane\">latency, ms: <span style=\"color:#2f6fde\">p50</span>, <span "
    "style=\"color:#8a4fd3\">p99</span>, <span "
    "style=\"color:#c0262d\">slowest</span></div><canvas id=\"latency\"></canvas>\n<div id=\"table\"></div><pre "
    "id=\"why\"></pre>\n"
    "<div id=\"tip\"></div>\n<script>\nconst D=";

static const char script[] =
    ";\nconst "
    "$=i=>document.getElementById(i),C=['#2f6fde','#1a9f5a','#d97706','#8a4fd3','#0e9aa7','#c2410c','#be185d','#4d7c0f'"
    ",'#64748b'];\n"
    "let from=0,to=D.ms,drag=null;const css=n=>getComputedStyle(document.documentElement).getPropertyValue(n);\n"
    "const kinds=[...new Set(D.faults.map(f=>f.kind))],row=18;\n"
    "const H={faults:Math.max(1,kinds.length)*row+18,leaders:34,rate:110,latency:140};\n"
    "function open(n){const "
    "c=$(n),w=c.clientWidth,r=window.devicePixelRatio||1;c.style.height=H[n]+'px';c.width=w*r;c.height=H[n]*r;\n"
    " const g=c.getContext('2d');g.scale(r,r);g.font='11px "
    "system-ui';return{g,w,h:H[n],x:t=>90+(t-from)/(to-from)*(w-100)}}\n"
    "function axis(o){const "
    "s=[.1,.2,.5,1,2,5,10,30,60,300,600].find(s=>(to-from)/1000/s<14)||1800;o.g.fillStyle=css('--dim');\n"
    " for(let t=Math.ceil(from/1000/s)*s;t*1000<=to;t+=s){const x=o.x(t*1000);o.g.fillText(+t.toFixed(1)+' "
    "s',x+2,o.h-4);o.g.globalAlpha=.25;o.g.fillRect(x,0,1,o.h);o.g.globalAlpha=1}}\n"
    "function faults(){const "
    "o=open('faults'),g=o.g;axis(o);kinds.forEach((k,i)=>{g.fillStyle=css('--dim');g.fillText(k,2,i*row+13)});\n"
    " g.save();g.beginPath();g.rect(90,0,o.w,o.h);g.clip();for(const f of D.faults){const "
    "y=kinds.indexOf(f.kind)*row+3,c=C[kinds.indexOf(f.kind)%C.length];g.fillStyle=c;g.globalAlpha=.3;\n"
    " g.fillRect(o.x(f.begun),y,Math.max(1,o.x(f.well)-o.x(f.begun)),row-6);g.globalAlpha=1;g.fillRect(o.x(f.begun),y,"
    "Math.max(2,o.x(f.healed)-o.x(f.begun)),row-6)}g.restore()}\n"
    "function leaders(){const "
    "o=open('leaders'),g=o.g;g.save();g.beginPath();g.rect(90,0,o.w,o.h);g.clip();D.leaders.forEach((l,i)=>{\n"
    " const "
    "e=i+1<D.leaders.length?D.leaders[i+1].at:D.ms,a=o.x(Math.max(l.at,0)),b=o.x(e);if(b<90||a>o.w)return;g.fillStyle="
    "l.node?C[(l.node-1)%C.length]:css('--line');\n"
    " g.fillRect(a,4,Math.max(1,b-a),20);if(l.node&&b-a>26){g.fillStyle='#fff';g.fillText(l.node+' "
    "('+l.term+')',Math.max(a,90)+4,18)}});g.restore();g.fillStyle=css('--dim');g.fillText('leader',2,18)}\n"
    "function rate(){const "
    "o=open('rate'),g=o.g,n=D.buckets.length,k=Math.max(1,Math.ceil((to-from)/D.bucket_ms/Math.max(1,o.w-100))),S=1000/"
    "D.bucket_ms;let top=1;\n"
    " const a=[];for(let i=Math.max(0,Math.floor(from/D.bucket_ms));i<n&&i*D.bucket_ms<to;i+=k){let "
    "s=[0,0,0],m=0;for(let j=i;j<Math.min(n,i+k);j++,m++)for(let q=0;q<3;q++)s[q]+=D.buckets[j][q]*S;\n"
    "  s=s.map(v=>v/m);a.push([i,s]);top=Math.max(top,s[0]+s[1]+s[2])}\n"
    " for(const[i,s]of a){let y=o.h-16;const "
    "x=o.x(i*D.bucket_ms),w=Math.max(1,o.x((i+k)*D.bucket_ms)-x);s.forEach((v,q)=>{const "
    "h=v/top*(o.h-26);g.fillStyle=['#2f6fde','#c97a00','#c0262d'][q];g.fillRect(x,y-h,w,h);y-=h})}\n"
    " g.fillStyle=css('--dim');g.fillText(top.toFixed(0)+'/s',2,14);axis(o)}\n"
    "function latency(){const o=open('latency'),g=o.g,n=D.buckets.length;let "
    "top=1;D.buckets.forEach(b=>top=Math.max(top,b[5]/1000));const low=.1,\n"
    " y=v=>o.h-18-Math.max(0,Math.log10(Math.max(v,low)/low)/Math.log10(top/low))*(o.h-28);g.fillStyle=css('--dim');\n"
    " for(let "
    "v=.1;v<=top;v*=10){g.fillText(+v.toFixed(1)+'',60,y(v)+4);g.globalAlpha=.25;g.fillRect(90,y(v),o.w,1);g."
    "globalAlpha=1}\n"
    " const "
    "k=Math.max(1,Math.ceil((to-from)/D.bucket_ms/"
    "Math.max(1,o.w-100)));[[5,'#c0262d'],[4,'#8a4fd3'],[3,'#2f6fde']].forEach(([q,c])=>{g.strokeStyle=c;g.beginPath();"
    "let on=false;\n"
    "  for(let i=Math.max(0,Math.floor(from/D.bucket_ms));i<n&&i*D.bucket_ms<=to;i+=k){let v=0;for(let "
    "j=i;j<Math.min(n,i+k);j++)v=Math.max(v,D.buckets[j][q]/1000);\n"
    "   if(!v){on=false;continue}const "
    "X=o.x((i+k/2)*D.bucket_ms),Y=y(v);on?g.lineTo(X,Y):g.moveTo(X,Y);on=true}g.stroke()});axis(o)}\n"
    "function draw(){faults();leaders();rate();latency();for(const n in H)if(drag){const "
    "c=$(n),g=c.getContext('2d');g.fillStyle='#8884';g.fillRect(Math.min(drag.a,drag.b),0,Math.abs(drag.b-drag.a),H[n])"
    "}}\n"
    "const time=(c,x)=>from+(x-90)/(c.clientWidth-100)*(to-from);\n"
    "for(const n in H){const "
    "c=$(n);c.onmousedown=e=>{drag={a:e.offsetX,b:e.offsetX}};c.onmousemove=e=>{if(drag){drag.b=e.offsetX;draw()}\n"
    "  const "
    "t=time(c,e.offsetX),b=D.buckets[Math.floor(t/"
    "D.bucket_ms)],l=D.leaders.filter(l=>l.at<=t).pop();if(t<from||t>to){$('tip').style.display='none';return}\n"
    "  const S=1000/D.bucket_ms,lines=[(t/1000).toFixed(2)+' s',l&&l.node?'node '+l.node+' leads, term "
    "'+l.term:'nobody leads'];\n"
    "  if(b)lines.push(b[0]*S+' ok/s, '+b[1]*S+' failed/s, '+b[2]*S+' unknown/s','p50 '+b[3]/1000+', p99 "
    "'+b[4]/1000+', slowest '+b[5]/1000+' ms');\n"
    "  D.faults.filter(f=>f.begun<=t&&t<=f.well).forEach(f=>lines.push(f.text+(t>f.healed?' (healed)':'')+': next "
    "write after '+(f.to_write<0?'-':f.to_write.toFixed(1)+' ms')+', without a leader '+f.leaderless.toFixed(0)+' "
    "ms'));\n"
    "  const "
    "p=$('tip');p.textContent=lines.join('\\n');p.style.display='block';p.style.left=Math.min(e.clientX+14,innerWidth-"
    "p.offsetWidth-8)+'px';p.style.top=e.clientY+14+'px'};\n"
    " c.onmouseleave=()=>{$('tip').style.display='none'}}\n"
    "onmouseup=()=>{if(!drag)return;const "
    "c=$('rate'),a=time(c,Math.min(drag.a,drag.b)),b=time(c,Math.max(drag.a,drag.b)),far=Math.abs(drag.a-drag.b)>4;"
    "drag=null;\n"
    " if(far&&b-a>50){from=Math.max(0,a);to=Math.min(D.ms,b)}draw()};\n"
    "$('all').onclick=()=>{from=0;to=D.ms;draw()};onresize=draw;\n"
    "const s=$('sum'),add=(p,t,c)=>{const "
    "e=document.createElement(p);e.textContent=t;if(c)e.className=c;s.append(e)};\n"
    "add('div',D.clean?'All promises kept':D.undecided?'Undecided':'A promise was broken',D.clean?'good':'bad');\n"
    "add('div',`${(D.ms/1000).toFixed(1)} s, ${D.nodes} nodes, seed ${D.seed}: ${D.ok} operations ok, ${D.failed} "
    "failed, ${D.unknown} unknown; ${D.faults.length} faults; ${D.elections} elections, ${D.quiet} of them without a "
    "fault. History: ${D.verdict}.`);\n"
    "const q=(v,p)=>{v.sort((a,b)=>a-b);return "
    "v.length?v[Math.min(v.length-1,Math.ceil(v.length*p)-1)].toFixed(1):''};\n"
    "const T=document.createElement('table');const tr=(cells,h)=>{const r=T.insertRow();for(const c of cells){const "
    "d=document.createElement(h?'th':'td');d.textContent=c;r.append(d)}};\n"
    "tr(['fault','times','next write p50 [ms]','p99','max','without a leader p50','p99','max','longest without a write "
    "p50','p99','max'],1);\n"
    "for(const k of kinds){const f=D.faults.filter(f=>f.kind==k),c=g=>{const "
    "v=f.map(g).filter(v=>v>=0);return[q(v,.5),q(v,.99),q(v,1)]};tr([k,f.length,...c(f=>f.to_write),...c(f=>f."
    "leaderless),...c(f=>f.stalled)])}\n"
    "if(kinds.length)$('table').append(T);const "
    "w=[D.broken,D.explanation].filter(t=>t).join('\\n');if(w)$('why').textContent=w;else $('why').remove();draw();\n"
    "</script></body></html>\n";

/* Since the load began; before it: 0. */
static double since_ms(const struct chaos *chaos, uint64_t ns) {
    return ns > chaos->started_ns ? (double)(ns - chaos->started_ns) / 1e6 : 0;
}

/* A text within a script: "</" would end it. */
static enum status put_text(struct buf *to, const char *text) {
    const size_t begin = to->size;
    const enum status status = json_text_append(to, text);
    for (size_t i = begin; status == STATUS_OK && i + 1 < to->size; i++)
        if (to->data[i] == '<' && to->data[i + 1] == '/') to->data[i] = ' ';
    return status;
}

static enum status put_fault(struct buf *to, const struct chaos *chaos, const struct nemesis_note *note) {
    const uint64_t healed_ns = note->healed_ns ? note->healed_ns : chaos->ended_ns;
    const uint64_t well_ns = note->well_ns ? note->well_ns : chaos->ended_ns;
    enum status status = buf_append_format(to, "{\"kind\":\"%s\",\"text\":", fault_table[note->fault.kind].name);
    if (status == STATUS_OK) status = put_text(to, note->fault.text);
    if (status != STATUS_OK) return status;
    return buf_append_format(to,
                             ",\"begun\":%.1f,\"healed\":%.1f,\"well\":%.1f,\"to_write\":%.2f,\"leaderless\":%.2f,"
                             "\"stalled\":%.2f}",
                             since_ms(chaos, note->begun_ns), since_ms(chaos, healed_ns), since_ms(chaos, well_ns),
                             note->written_ns ? (double)(note->written_ns - note->begun_ns) / 1e6 : -1.0,
                             (double)note->leaderless_ns / 1e6, (double)note->stalled_ns / 1e6);
}

static enum status put_faults(struct buf *to, const struct chaos *chaos) {
    enum status status = buf_append_format(to, ",\n\"faults\":[");
    for (size_t i = 0; status == STATUS_OK && i < chaos->nemesis.note_count; i++) {
        if (i > 0) status = buf_append_slice(to, slice_from_text(",\n"));
        if (status == STATUS_OK) status = put_fault(to, chaos, &chaos->nemesis.notes[i]);
    }
    return status == STATUS_OK ? buf_append_byte(to, ']') : status;
}

static enum status put_leaders(struct buf *to, const struct chaos *chaos) {
    enum status status = buf_append_format(to, ",\n\"leaders\":[");
    for (size_t i = 0; status == STATUS_OK && i < chaos->hands.change_count; i++) {
        const struct leader_change *change = &chaos->hands.changes[i];
        status = buf_append_format(to, "%s{\"at\":%.1f,\"node\":%u,\"term\":%" PRIu64 "}", i ? "," : "",
                                   since_ms(chaos, change->at_ns), change->node, change->term);
    }
    return status == STATUS_OK ? buf_append_byte(to, ']') : status;
}

static enum status put_buckets(struct buf *to, const struct chaos *chaos) {
    size_t count;
    const struct workload_bucket *buckets = workload_buckets(chaos->workload, &count);
    enum status status = buf_append_format(to, ",\n\"bucket_ms\":%d,\"buckets\":[", WORKLOAD_BUCKET_MS);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = buf_append_format(to, "%s[%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 "]",
                                   i ? "," : "", buckets[i].ok, buckets[i].failed, buckets[i].unknown,
                                   buckets[i].p50_us, buckets[i].p99_us, buckets[i].max_us);
    return status == STATUS_OK ? buf_append_byte(to, ']') : status;
}

static enum status put_facts(struct buf *to, const struct chaos *chaos) {
    struct workload_counts counts;
    struct buf explanation = BUF_EMPTY;
    workload_get_counts(chaos->workload, &counts);
    enum status status =
        buf_append_format(to,
                          "{\"nodes\":%u,\"seed\":\"%" PRIu64 "\",\"ms\":%.1f,\"ok\":%" PRIu64 ",\"failed\":%" PRIu64
                          ",\"unknown\":%" PRIu64 ",\"elections\":%" PRIu64 ",\"quiet\":%" PRIu64
                          ",\"clean\":%s,\"undecided\":%s,\"verdict\":\"%s\",\"broken\":",
                          chaos->cluster.plan.nodes, chaos->options.seed, since_ms(chaos, chaos->ended_ns), counts.ok,
                          counts.failed, counts.unknown, chaos->hands.terms_seen, chaos->quiet_elections,
                          chaos_is_clean(chaos) ? "true" : "false", chaos_is_undecided(chaos) ? "true" : "false",
                          chaos->is_judged ? linearize_verdict_name(chaos->report.verdict) : "not judged");
    if (status == STATUS_OK) status = put_text(to, chaos->broken);
    if (status == STATUS_OK) status = buf_append_slice(&explanation, buf_slice(&chaos->report.text));
    if (status == STATUS_OK) status = buf_append_byte(&explanation, '\0');
    if (status == STATUS_OK) status = buf_append_format(to, ",\"explanation\":");
    if (status == STATUS_OK) status = put_text(to, (const char *)explanation.data);
    buf_deinit(&explanation);
    return status;
}

enum status chaos_print_page(const struct chaos *chaos, struct buf *to) {
    enum status status = buf_append_slice(to, slice_from_text(head));
    if (status == STATUS_OK) status = put_facts(to, chaos);
    if (status == STATUS_OK) status = put_faults(to, chaos);
    if (status == STATUS_OK) status = put_leaders(to, chaos);
    if (status == STATUS_OK) status = put_buckets(to, chaos);
    if (status == STATUS_OK) status = buf_append_byte(to, '}');
    return status == STATUS_OK ? buf_append_slice(to, slice_from_text(script)) : status;
}
