/*
 * The one table of applets. A line per applet: the switch of configs/ that selects it, and
 * the name of its struct applet, applet_<name>, in src/plugins or src/commands.
 */
IF_BASH_CNI(APPLET(bash_cni))
IF_BRIDGE(APPLET(bridge))
IF_PTP(APPLET(ptp))
IF_TUNING(APPLET(tuning))
IF_HOST_LOCAL(APPLET(host_local))
IF_STATIC(APPLET(static))
IF_LOOPBACK(APPLET(loopback))
IF_PORTMAP(APPLET(portmap))
IF_FIREWALL(APPLET(firewall))
IF_BANDWIDTH(APPLET(bandwidth))
IF_CNI_NODE(APPLET(cni_node))
IF_CNI_CHECK(APPLET(cni_check))
IF_CNI_GC(APPLET(cni_gc))
IF_GCE_ROUTES(APPLET(gce_routes))
IF_GCE_ROUTES(APPLET(gcloud))
IF_INSTALL(APPLET(install))
