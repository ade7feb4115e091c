/* The least that an icon in the tray takes: GTK, an indicator, and a menu of one entry. The baseline for the tray app.
 * Three functions and two constants of libayatana-appindicator3 are declared here, so that its headers need not be installed. */
#include <gtk/gtk.h>

typedef struct AppIndicator AppIndicator;
AppIndicator *app_indicator_new(const char *id, const char *icon_name, int category);
void app_indicator_set_status(AppIndicator *self, int status);
void app_indicator_set_menu(AppIndicator *self, GtkMenu *menu);
enum { APPLICATION_STATUS = 0, ACTIVE = 1 };

int main(int argc, char **argv) {
    gtk_init(&argc, &argv);
    /* The bus first, as GtkApplication has it, and never let go: a library that connects by itself registers no item now and then. */
    if (g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL) == NULL) return 1;
    GtkWidget *menu = gtk_menu_new();
    GtkWidget *quit = gtk_menu_item_new_with_label("Quit");
    g_signal_connect(quit, "activate", G_CALLBACK(gtk_main_quit), NULL);
    gtk_menu_shell_append(GTK_MENU_SHELL(menu), quit);
    gtk_widget_show_all(menu);
    AppIndicator *indicator = app_indicator_new("baseline", "dialog-information", APPLICATION_STATUS);
    app_indicator_set_status(indicator, ACTIVE);
    app_indicator_set_menu(indicator, GTK_MENU(menu));
    gtk_main();
    return 0;
}
