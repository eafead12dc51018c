using SecondhandTrade.Notifications;
using SecondhandTrade.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("notification", "notices", NotificationJson.Default);
builder.Services.AddSingleton<NoticeStream>().AddSingleton<NoticeService>().AddSingleton<DeadLetters>();
builder.Services.AddSingleton(services => new WakeHandler(NoticeService.WakeKind, services.GetRequiredService<NoticeService>().Wake));
builder.Services.AddGauge("town.dead_letters", "{letter}", "Events that some app could not take in and nobody has seen to yet.", services => [new(services.GetRequiredService<DeadLetters>().Count())]);

var app = builder.Build();
app.UseWholeDeadLetters();
app.UseServiceDefaults(direct: "/notices/stream");
app.MapNotices();
app.MapNoticeEvents();
app.MapDeadLetters();
app.Run();
